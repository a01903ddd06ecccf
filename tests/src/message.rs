//! HTTP/1.1 messages as plain bytes: nothing is normalised, so that a test sees what crossed the wire.

use std::io::{self, BufRead, Read};

use serde_json::Value;

/// A request to be sent, exactly as it says.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// In their order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: None }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..Self::new("POST", target) }
    }

    /// One more header. Without a `host` there will be `host: gateway.test`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("host: gateway.test\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, as `internal:echo` and every problem are.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The kind of a problem+json answer, without its `urn:tollgate:problem:`.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let kind = self.json()["type"].as_str().expect("a problem has a type").to_owned();
        kind.strip_prefix("urn:tollgate:problem:").expect("it is one of ours").to_owned()
    }

    /// Reads one response. Answers to HEAD have no body, whatever they say.
    pub(crate) fn read(stream: &mut impl BufRead, head_only: bool) -> io::Result<Self> {
        let (line, headers) = read_head(stream)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| invalid(&line))?;
        let bodiless = head_only || status < 200 || status == 204 || status == 304;
        let body = match value(&headers, "content-length") {
            _ if bodiless => Vec::new(),
            None if value(&headers, "transfer-encoding").is_none() => {
                let mut body = Vec::new();
                stream.read_to_end(&mut body)?;
                body
            }
            _ => read_body(stream, &headers)?,
        };
        Ok(Self { status, headers, body })
    }
}

/// The first line, and the header fields with their names in lower case.
pub(crate) fn read_head(stream: &mut impl BufRead) -> io::Result<(String, Vec<(String, String)>)> {
    let first = read_line(stream)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok((first, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// A body with a declared length, or in chunks; empty when neither is said. Trailers are dropped.
pub(crate) fn read_body(stream: &mut impl BufRead, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    read_body_and_trailers(stream, headers).map(|(body, _)| body)
}

/// As [`read_body`], with the lines behind the last chunk.
pub(crate) fn read_body_and_trailers(
    stream: &mut impl BufRead,
    headers: &[(String, String)],
) -> io::Result<(Vec<u8>, Vec<String>)> {
    if value(headers, "transfer-encoding").is_some() {
        return read_chunks(stream);
    }
    let length = value(headers, "content-length").unwrap_or("0");
    Ok((read_bytes(stream, length.parse().map_err(|_| invalid(length))?)?, Vec::new()))
}

pub(crate) fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<(Vec<u8>, Vec<String>)> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| invalid(&line))?;
        if size == 0 {
            let mut trailers = Vec::new();
            loop {
                match read_line(stream)? {
                    line if line.is_empty() => return Ok((body, trailers)),
                    line => trailers.push(line),
                }
            }
        }
        body.extend(read_bytes(stream, size)?);
        read_line(stream)?;
    }
}

fn read_bytes(stream: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    let Some(line) = line.strip_suffix(b"\r\n") else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    Ok(String::from_utf8_lossy(line).into_owned())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
