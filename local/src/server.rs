//! The servers of this process: how they start and end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::InitError;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A free port of the loopback interface.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server that runs in a task of its own until it is stopped.
pub struct Server {
    name: &'static str,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), String>>,
}

impl Server {
    /// Starts a server. `serve` is given a future that resolves when the server is to stop.
    pub fn start<F>(name: &'static str, serve: impl FnOnce(BoxFuture<'static, ()>) -> F) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        // Dropping the sender stops the server too.
        let task = tokio::spawn(serve(stopped.map(|_| ()).boxed()));
        Self { name, stop: Some(stop), task }
    }

    /// Starts an HTTP server, and returns the address at which it listens.
    pub(crate) async fn http(
        name: &'static str,
        address: SocketAddr,
        service: Router,
    ) -> std::io::Result<(SocketAddr, Self)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = Self::start(name, |stop| async move {
            let served = axum::serve(listener, service).with_graceful_shutdown(stop);
            served.await.map_err(|error| error.to_string())
        });
        Ok((address, server))
    }

    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Resolves if the server ends without having been stopped.
    pub async fn failure(&mut self) -> InitError {
        let problem = match (&mut self.task).await {
            Ok(Ok(())) => "it ended".to_owned(),
            Ok(Err(problem)) => problem,
            Err(error) => error.to_string(),
        };
        InitError::new(format!("{} failed: {problem}", self.name))
    }

    /// Accepts no more requests, and resolves when those in flight are answered. A client that
    /// never sends the rest of its request keeps it waiting, so the caller needs a timeout.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            let _ = (&mut self.task).await;
        }
    }
}
