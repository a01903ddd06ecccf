//! An upstream over HTTP/2 with prior knowledge that answers some requests and says of others that it did nothing with them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::frames::{
    self, ACK, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PREFACE, REFUSED_STREAM, SETTINGS, frame,
};

/// Every other connection refuses every tenth of its streams; each is left with a GOAWAY after so many, and what is sent
/// behind that is left out. All else is a 200 without a body. It accepts as long as the process lives.
pub struct RefusingUpstream {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    refused: AtomicUsize,
    left_out: AtomicUsize,
}

/// One in so many.
const REFUSED: usize = 10;

impl RefusingUpstream {
    /// `most` streams of a connection are answered or refused.
    pub fn start(most: usize) -> Self {
        Self::begin(most, true)
    }

    /// Refuses none, and leaves each connection after so many.
    pub fn leaving(most: usize) -> Self {
        Self::begin(most, false)
    }

    fn begin(most: usize, refuses: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let counts = Arc::<Counts>::default();
        let serving = Arc::clone(&counts);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let counts = Arc::clone(&serving);
                // How a connection ends, the other side tells.
                thread::spawn(move || counts.serve(stream, refuses && number.is_multiple_of(2), most));
            }
        });
        Self { address, counts }
    }

    /// As an endpoint in a config.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Streams that were refused (REFUSED_STREAM).
    pub fn refused(&self) -> usize {
        self.counts.refused.load(SeqCst)
    }

    /// Streams that came behind a GOAWAY, and of which nothing is said.
    pub fn left_out(&self) -> usize {
        self.counts.left_out.load(SeqCst)
    }
}

impl Counts {
    fn serve(&self, mut stream: TcpStream, refuses: bool, most: usize) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.read_exact(&mut [0; PREFACE.len()])?;
        stream.write_all(&frames::settings(&[]))?;
        let mut streams = 0;
        while let Some(Frame { kind, flags, stream: id, payload }) = frames::read(&mut stream)? {
            match kind {
                SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
                PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload))?,
                HEADERS if streams >= most => drop(self.left_out.fetch_add(1, SeqCst)),
                HEADERS => {
                    streams += 1;
                    let answer = if refuses && streams.is_multiple_of(REFUSED) {
                        self.refused.fetch_add(1, SeqCst);
                        frames::reset(id, REFUSED_STREAM)
                    } else {
                        // `:status 200` of the static table (RFC 7541, appendix A).
                        frame(HEADERS, END_STREAM | END_HEADERS, id, &[0x88])
                    };
                    stream.write_all(&answer)?;
                    if streams == most {
                        let no_error = 0_u32;
                        stream.write_all(&frame(GOAWAY, 0, 0, &[id.to_be_bytes(), no_error.to_be_bytes()].concat()))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
