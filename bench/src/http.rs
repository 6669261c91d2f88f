//! As much of HTTP/1.1 as the stand-ins need, on blocking streams.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};

/// A request or a response. They differ in their first line only.
#[derive(Debug, Clone)]
pub struct Message {
    /// `POST / HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// Names in lowercase.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Message {
    /// A 200 with a JSON body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())];
        Self { first_line: "HTTP/1.1 200 OK".to_owned(), headers, body: body.into() }
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads the next message, or nothing at the end of the stream.
    pub fn read(stream: &mut BufReader<impl Read>) -> Result<Option<Self>> {
        let first_line = line(stream)?;
        if first_line.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let line = line(stream)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Self { first_line, headers, body: Vec::new() };
        if message.header("transfer-encoding") == Some("chunked") {
            while let size @ 1.. = read_chunk(stream, &mut message.body)? {
                debug_assert!(size <= message.body.len());
            }
        } else if let Some(length) = message.header("content-length") {
            message.body = vec![0; length.parse().map_err(|_| malformed())?];
            stream.read_exact(&mut message.body)?;
        }
        Ok(Some(message))
    }

    /// Writes it in one piece.
    pub fn write(&self, stream: &mut impl Write) -> Result<()> {
        let mut text = format!("{}\r\ncontent-length: {}\r\n", self.first_line, self.body.len());
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "content-length" | "transfer-encoding") {
                text.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
            }
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend(&self.body);
        stream.write_all(&bytes)?;
        stream.flush()
    }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> Result<usize> {
    let size = usize::from_str_radix(&line(stream)?, 16).map_err(|_| malformed())?;
    let start = body.len();
    body.resize(start + size, 0);
    stream.read_exact(&mut body[start..])?;
    line(stream)?;
    Ok(size)
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "not HTTP")
}
