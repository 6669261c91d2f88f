//! Finds the provider of an integration: one of the catalogue, or one that the environment defines.

use session::Error;
use session::Uuid;
use session::provider::Provider;
use tables::Tables;

/// The provider with a name. A provider of the catalogue needs no call to DynamoDB.
pub async fn find(
    tables: &Tables,
    environment: Uuid,
    name: &str,
) -> Result<Option<Provider>, Error> {
    match catalogued(name) {
        Some(provider) => Ok(Some(provider)),
        None => Ok(tables.provider(environment, name).await?),
    }
}

/// A provider of the catalogue.
pub fn catalogued(name: &str) -> Option<Provider> {
    Provider::from_template(name, catalogue::template(name)?)
}
