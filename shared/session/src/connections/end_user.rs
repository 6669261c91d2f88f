//! The customer's user who is connecting an account, and the organization that they belong to.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::connections::tags;
use crate::input::email;
use crate::input::fields::{Fields, Issues, text};

/// The most UTF-16 code units of an id or a display name.
const LENGTH_MAX: usize = 255;

/// The person who is connecting. `endUser` in GET has these keys in this order, including nulls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndUser {
    /// The customer's own id of the user.
    pub id: String,
    /// The name to show; an empty one counts as `None`.
    pub display_name: Option<String>,
    /// A valid address, see [`email`].
    pub email: Option<String>,
    /// The user's tags, in the case and order in which they were sent.
    pub tags: Option<IndexMap<String, String>>,
    /// The organization that was sent with the user.
    pub organization: Option<Organization>,
}

impl EndUser {
    /// Reads the `end_user` of a body. The organization is a separate field, in bodies of sessions.
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
    /// The customer's own id of the organization; it may be empty.
    pub id: String,
    /// The name to show; an empty one counts as `None`.
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
