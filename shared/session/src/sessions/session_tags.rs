//! The tags of a session (contract section 7.1): tags that describe the end user, overridden by the
//! tags that the customer sends.

use indexmap::IndexMap;

use crate::connections::end_user::{EndUser, Organization};
use crate::connections::tags::{self, COUNT_MAX, EMAIL_KEY, Tags, VALUE_LENGTH_MAX};
use crate::input::email;
use crate::input::fields::{Issue, Issues};

/// Merges tags that describe end user and organization with the end user's own tags and the
/// session's; the later ones override the earlier ones.
///
/// The derived tags come first, in that order; an overridden value keeps its place. Derived tags
/// never fail a request: the end user's own tags are dropped altogether if they do not fit. Tags
/// that the customer sends for the session can fail it: more than ten in all are an issue.
pub fn merge(
    end_user: Option<&EndUser>,
    organization: Option<&Organization>,
    sent: Option<Tags>,
) -> Result<Tags, Vec<Issue>> {
    let described = described(end_user, organization);
    let own = end_user.and_then(|user| user.tags.as_ref()).into_iter().flatten();
    let mut with_own = described.clone();
    with_own.extend(own.map(|(key, value)| (key.to_ascii_lowercase(), value.clone())));
    let derived = [with_own, described].into_iter().find(is_acceptable).unwrap_or_default();

    let mut merged = derived;
    merged.extend(sent.unwrap_or_default().into_map());
    let mut issues = Issues::default();
    if merged.len() > COUNT_MAX {
        issues.within("tags", tags::too_many);
    }
    issues.finish(Some(Tags::from_map(merged)))
}

/// The tags that describe end user and organization, without empty values.
fn described(
    end_user: Option<&EndUser>,
    organization: Option<&Organization>,
) -> IndexMap<String, String> {
    [
        ("end_user_id", end_user.map(|user| &user.id)),
        (EMAIL_KEY, end_user.and_then(|user| user.email.as_ref())),
        ("end_user_display_name", end_user.and_then(|user| user.display_name.as_ref())),
        ("organization_id", organization.map(|organization| &organization.id)),
        (
            "organization_display_name",
            organization.and_then(|organization| organization.display_name.as_ref()),
        ),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), cut(value?))))
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

/// Whether derived tags would be valid as tags that a customer sends.
fn is_acceptable(tags: &IndexMap<String, String>) -> bool {
    tags.len() <= COUNT_MAX
        && tags.values().all(|value| !value.is_empty())
        && tags.get(EMAIL_KEY).is_none_or(|address| email::is_valid(address))
}

/// The longest prefix of `value` that fits into a tag.
fn cut(value: &str) -> String {
    let mut length = 0;
    let fits = value.chars().take_while(|c| {
        length += c.len_utf16();
        length <= VALUE_LENGTH_MAX
    });
    fits.collect()
}
