//! The provider that the recorded flow cases assume, for tests in other languages: prints the ports
//! of its API and of its receiver of webhooks, and serves until its standard input ends.

use std::io::{Write, read_to_string, stdin, stdout};

use tests::Provider;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let provider = Provider::start().await;
    let (api, webhooks) = (provider.address.port(), provider.webhooks.port());
    writeln!(stdout(), "{api} {webhooks}")?;
    // Blocks this thread; others serve.
    read_to_string(stdin()).map(|_| ())
}
