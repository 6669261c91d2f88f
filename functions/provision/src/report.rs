//! What applying a document changed, and why it stopped.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use session::fields::Issue;
use tables::StoreError;

/// What applying a document changed. Things are named by their paths: `dev/integrations/github`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Things that did not exist before.
    pub created: Vec<String>,
    /// Things that existed, but were different.
    pub changed: Vec<String>,
    /// Things that were the same already, or removed already.
    pub unchanged: Vec<String>,
    /// Things that existed before.
    pub removed: Vec<String>,
    /// The generated secrets. They cannot be shown again.
    pub secrets: Vec<GeneratedSecret>,
}

impl Report {
    /// Adds the changes of another part of the document.
    pub fn add(&mut self, part: Self) {
        self.created.extend(part.created);
        self.changed.extend(part.changed);
        self.unchanged.extend(part.unchanged);
        self.removed.extend(part.removed);
        self.secrets.extend(part.secrets);
    }
}

/// A generated secret key or signing key.
#[derive(PartialEq, Eq, Serialize)]
pub struct GeneratedSecret {
    /// The name of its environment.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// The secret itself.
    pub secret: String,
}

impl fmt::Debug for GeneratedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GeneratedSecret({}/{}: …)", self.environment, self.name)
    }
}

/// Why a document was not applied, or environments were not described.
#[derive(Debug)]
pub enum Failure {
    /// The request is invalid, and nothing is written.
    Refused(Vec<Issue>),
    /// The description does not fit into an answer.
    TooLong,
    /// Applying the document stopped.
    Stopped(Box<Stopped>),
}

/// How far applying a document got.
#[derive(Debug)]
pub struct Stopped {
    /// Why it stopped.
    pub cause: Cause,
    /// Whether anything is written.
    pub is_partial: bool,
    /// What is written.
    pub applied: Report,
    /// What may be written, because the answer to its transaction was lost.
    pub unconfirmed: Option<Report>,
}

/// Why applying a document stopped.
#[derive(Debug)]
pub enum Cause {
    /// Somebody else changed the environment.
    Conflict,
    /// DynamoDB failed.
    Store(StoreError),
    /// KMS failed or refused, or a sealed value did not open.
    Kms(String),
    /// The time of the invocation is nearly over.
    OutOfTime,
}

impl Failure {
    /// A failure before anything was written.
    pub fn before_writing(cause: Cause) -> Self {
        let (applied, unconfirmed) = (Report::default(), None);
        Self::Stopped(Box::new(Stopped { cause, is_partial: false, applied, unconfirmed }))
    }

    /// The machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "invalid_body",
            Self::TooLong => "description_too_long",
            Self::Stopped(stopped) => match stopped.cause {
                Cause::Conflict => "conflict",
                Cause::Store(StoreError::Unavailable(_)) => "service_unavailable",
                Cause::Store(StoreError::Unexpected(_)) => "server_error",
                Cause::Kms(_) => "kms_unavailable",
                Cause::OutOfTime => "timeout",
            },
        }
    }

    /// The cause for the log, if DynamoDB or KMS failed.
    pub fn cause(&self) -> Option<&str> {
        let Self::Stopped(stopped) = self else { return None };
        match &stopped.cause {
            Cause::Store(StoreError::Unavailable(cause) | StoreError::Unexpected(cause)) => {
                Some(cause)
            }
            Cause::Kms(cause) => Some(cause),
            Cause::Conflict | Cause::OutOfTime => None,
        }
    }

    /// Everything that the operator needs to continue, including generated secrets.
    pub fn body(&self) -> Value {
        let Stopped { cause, is_partial, applied, unconfirmed } = match self {
            Self::Refused(issues) => {
                return json!({ "error": { "code": self.code(), "errors": issues } });
            }
            Self::TooLong => {
                let message = "The description is longer than the 6 MB that an invocation can \
                               answer: describe one environment, or read the registry table.";
                return json!({ "error": { "code": self.code(), "message": message } });
            }
            Self::Stopped(stopped) => &**stopped,
        };
        let message = match cause {
            Cause::Conflict => {
                "Somebody else changed the environment while this document was applied."
            }
            Cause::Store(StoreError::Unavailable(_)) => "DynamoDB did not answer.",
            Cause::Store(StoreError::Unexpected(_)) => "An unexpected error occurred.",
            Cause::Kms(_) => "KMS did not answer, or refused.",
            Cause::OutOfTime => "The invocation ran out of time.",
        };
        let parts = match (is_partial, unconfirmed) {
            (false, None) => "Nothing was written; run it again.",
            (true, None) => {
                "Everything under `applied` was written, and perhaps a part of a removal; run it again \
                 for the rest."
            }
            (_, Some(_)) => {
                "Everything under `applied` was written. What is under `unconfirmed` may have been \
                 written, so keep its secrets; run it again for the rest."
            }
        };
        let mut body = json!({
            "error": { "code": self.code(), "message": format!("{message} {parts}") },
            "applied": paths(applied),
            "secrets": applied.secrets,
        });
        if let Some(unconfirmed) = unconfirmed {
            body["unconfirmed"] = paths(unconfirmed);
            body["unconfirmed"]["secrets"] = json!(unconfirmed.secrets);
        }
        body
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::before_writing(Cause::Store(error))
    }
}

fn paths(report: &Report) -> Value {
    json!({
        "created": report.created,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    })
}
