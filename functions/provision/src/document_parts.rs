//! What the parts of a document have in common.

use session::fields::{Fields, one_of};

/// The most UTF-16 code units of a name.
pub const NAME_LENGTH_MAX: usize = 255;

/// Whether `state` says that a thing is to be gone.
pub fn is_absent(fields: &mut Fields<'_>) -> bool {
    const STATES: [&str; 2] = ["present", "absent"];
    let state = fields.optional("state", |value, issues| one_of(&STATES, value, issues));
    state.is_some_and(|state| state == "absent")
}
