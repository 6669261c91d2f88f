//! The servers of this process, and how they end.

use api::InitError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs on its own until it is told to stop.
pub struct Server {
    name: &'static str,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), String>>,
}

impl Server {
    /// Starts a server. `serve` gets a future that resolves when no more requests may be taken.
    pub fn start<F>(name: &'static str, serve: impl FnOnce(BoxFuture<'static, ()>) -> F) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        // A sender that is gone stops the server too.
        let task = tokio::spawn(serve(stopped.map(|_| ()).boxed()));
        Self { name, stop: Some(stop), task }
    }

    /// What it serves, for people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Resolves if the server ends without being told to.
    pub async fn failure(&mut self) -> InitError {
        let problem = match (&mut self.task).await {
            Ok(Ok(())) => "it ended".to_owned(),
            Ok(Err(problem)) => problem,
            Err(error) => error.to_string(),
        };
        InitError::new(format!("{} failed: {problem}", self.name))
    }

    /// Takes no more requests, and resolves when those in flight are answered. A client that never
    /// sends the rest of a request keeps it waiting, so somebody must give up at some time.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            let _ = (&mut self.task).await;
        }
    }
}
