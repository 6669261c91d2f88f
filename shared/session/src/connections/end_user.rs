//! The customer's user who is connecting an account, and the organization that they belong to.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::connections::tags;
use crate::input::email;
use crate::input::fields::{Fields, Issues, text};

/// The most UTF-16 code units of an id or a display name.
const LENGTH_MAX: usize = 255;

/// Who is connecting. The wire form of `endUser` in GET is this order of keys, nulls included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndUser {
    /// The customer's own id of the user.
    pub id: String,
    /// `None` also when an empty one was sent.
    pub display_name: Option<String>,
    /// Valid by [`email`].
    pub email: Option<String>,
    /// With the case and order in which they were sent.
    pub tags: Option<IndexMap<String, String>>,
    /// The organization that was sent with the user.
    pub organization: Option<Organization>,
}

impl EndUser {
    /// Reads the `end_user` of a body. Only the body of a session has an organization, beside it.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let mut fields = Fields::of(value, issues)?;
        let id = fields.required("id", text::<1, LENGTH_MAX>);
        let email = fields.optional("email", email::read);
        let display_name = fields.optional("display_name", text::<0, LENGTH_MAX>);
        let tags = fields.optional("tags", tags::read_end_user_tags);
        fields.finish();
        let display_name = display_name.filter(|name| !name.is_empty());
        Some(Self { id: id?, display_name, email, tags, organization: None })
    }
}

/// The end user's organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// May be empty.
    pub id: String,
    /// `None` also when an empty one was sent.
    pub display_name: Option<String>,
}

impl Organization {
    /// Reads the `organization` of a body.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let mut fields = Fields::of(value, issues)?;
        let id = fields.required("id", text::<0, LENGTH_MAX>);
        let display_name = fields.optional("display_name", text::<0, LENGTH_MAX>);
        fields.finish();
        Some(Self { id: id?, display_name: display_name.filter(|name| !name.is_empty()) })
    }
}
