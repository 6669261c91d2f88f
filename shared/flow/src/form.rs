//! Ordered parameters with unique names, for an authorization URL or a token request.

use url::form_urlencoded::Serializer;

/// The parameters. The `Debug` form shows only their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Sets a parameter: replaces one of the same name, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
    }

    /// As `application/x-www-form-urlencoded` (WHATWG URL Standard): a space is `+`.
    pub fn encoded(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// Names and values.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
