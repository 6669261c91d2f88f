//! A stand-in for a provider: its token endpoint, in plain HTTP.

use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::Failure;
use crate::http::Message;

/// The answer of the token endpoint (RFC 6749 section 5.1).
const TOKEN: &str = r#"{
    "access_token": "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "expires_in": 3600,
    "refresh_token": "ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66",
    "scope": "read:user,repo",
    "token_type": "bearer"
}"#;

/// Listens on a free port as long as this process lives, and returns the URL.
pub fn start() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(&stream));
        }
    });
    Ok(url)
}

fn serve(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(_)) = Message::read(&mut reader) {
        if Message::ok(TOKEN).write(&mut &*stream).is_err() {
            return;
        }
    }
}
