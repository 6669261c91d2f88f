//! The state of every function, as one warm execution environment of each would have it.

use std::ops::Deref;

use api::settings::Settings;
use api::{App, InitError};
use aws_sdk_dynamodb::Client;
use connect::Connect;
use finish_oauth::FinishOauth;
use sockets::Sockets;
use start_oauth::StartOauth;
use vault::Vault;

/// The functions that speak to sockets have a state of their own, all others share one, which this
/// stands for.
#[derive(Debug)]
pub struct Service {
    connect: Connect,
    /// The state of `start-oauth`.
    pub start_oauth: StartOauth,
    /// The state of `finish-oauth`.
    pub finish_oauth: FinishOauth,
}

impl Service {
    /// A service on a DynamoDB client, a KMS client and an endpoint of sockets. It lives as long as
    /// the process.
    pub fn start(
        settings: &Settings,
        client: &Client,
        kms: &aws_sdk_kms::Client,
        sockets: &Sockets,
    ) -> Result<&'static Self, InitError> {
        let app = || App::new(settings.clone(), client.clone());
        let outbound = connect::connect::outbound(settings)?;
        let connect = || Connect {
            app: app(),
            vault: Vault::new(kms.clone(), settings.kms_key_id.clone()),
            outbound: outbound.clone(),
        };
        Ok(Box::leak(Box::new(Self {
            connect: connect(),
            start_oauth: StartOauth { app: app(), sockets: sockets.clone() },
            finish_oauth: FinishOauth { connect: connect(), sockets: sockets.clone() },
        })))
    }
}

impl Deref for Service {
    type Target = Connect;

    fn deref(&self) -> &Connect {
        &self.connect
    }
}
