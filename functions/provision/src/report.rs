//! What applying a document did.

use serde::Serialize;

/// What applying a document did. Things are named by their path, `dev/integrations/github`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was not there before.
    pub created: Vec<String>,
    /// What was there, but different.
    pub changed: Vec<String>,
    /// What was there already, or already gone.
    pub unchanged: Vec<String>,
    /// What was there and is no more.
    pub removed: Vec<String>,
    /// The secrets that were generated. They are stored as hashes and cannot be shown again.
    pub secrets: Vec<GeneratedSecret>,
}

/// A secret key that the document left to be generated.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct GeneratedSecret {
    /// The name of its environment.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// The secret itself.
    pub secret: String,
}
