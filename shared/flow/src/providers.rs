//! The provider of an integration: one of the catalogue, or one that the environment defines.

use session::Error;
use session::Uuid;
use session::provider::Provider;
use tables::Tables;

/// The provider of a name. One of the catalogue costs no call.
pub async fn find(
    tables: &Tables,
    environment: Uuid,
    name: &str,
) -> Result<Option<Provider>, Error> {
    match catalogue::template(name) {
        Some(template) => Ok(Provider::from_template(name, template)),
        None => Ok(tables.provider(environment, name).await?),
    }
}
