//! What applying a document did, and why it stopped.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use session::fields::Issue;
use tables::StoreError;

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

impl Report {
    /// Adds what another part of the document did.
    pub fn add(&mut self, part: Self) {
        self.created.extend(part.created);
        self.changed.extend(part.changed);
        self.unchanged.extend(part.unchanged);
        self.removed.extend(part.removed);
        self.secrets.extend(part.secrets);
    }
}

/// A secret key that the document left to be generated.
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

/// Why a document is not applied as asked.
#[derive(Debug)]
pub enum Failure {
    /// It is refused, and nothing is written.
    Refused(Vec<Issue>),
    /// The description of what there is does not fit into an answer.
    TooLong,
    /// It was stopped on the way.
    Stopped(Box<Stopped>),
}

/// How far a document got that is not applied whole.
#[derive(Debug)]
pub struct Stopped {
    /// Why no further.
    pub cause: Cause,
    /// Whether anything is written.
    pub is_partial: bool,
    /// What stands.
    pub applied: Report,
    /// What may stand or not, because the answer to its transaction was lost.
    pub unconfirmed: Option<Report>,
}

/// Why applying a document stopped.
#[derive(Debug)]
pub enum Cause {
    /// Somebody else changed the environment meanwhile.
    Conflict,
    /// DynamoDB failed.
    Store(StoreError),
    /// KMS failed or refused, or a sealed value did not open.
    Kms(String),
    /// The invocation is about to end.
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

    /// What DynamoDB or KMS did, for the log.
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

    /// Everything that the operator needs to go on, the new secrets included.
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
