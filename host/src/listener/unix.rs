//! Binds Unix sockets, and takes away the files that they leave.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};

use super::socket::BACKLOG;

/// The file of a socket that this process listens on. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: Arc<Path>,
    identity: Identity,
}

/// Listens at a path. What a dead process left there is replaced; a socket that somebody listens on, and any other file,
/// is an error. Who may connect is who may write: `mode` says it from the first moment on.
pub(super) fn bind(path: &Arc<Path>, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // The file gets these, but for what the process's mask takes away, which is put right below.
    fchmod(&socket, Mode::from_raw_mode(mode))?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile { path: Arc::clone(path), identity: Identity::of(&fs::symlink_metadata(path)?) };
    file.set_mode(mode)?;
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Takes away the socket of a process that is dead.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(file) if file.file_type().is_socket() => {}
        Ok(_) => return Err(io::Error::other("there is a file that is no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Who does not accept is there all the same.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl SocketFile {
    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        fs::set_permissions(&self.path, Permissions::from_mode(mode))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another in its place.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| Identity::of(&found) == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("the socket {} stays: {error}", self.path.display());
        }
    }
}

/// What tells a file from a later one at its path, which may get its number.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    made: (i64, i64),
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self { device: file.dev(), number: file.ino(), made: (file.mtime(), file.mtime_nsec()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Arc<Path>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.sock").into();
        (folder, path)
    }

    #[test]
    fn a_socket_has_its_permissions_and_goes_with_its_file() {
        let (_folder, path) = folder();
        for mode in [0o600, 0o666] {
            let (_listener, file) = bind(&path, mode).expect("free");
            assert_eq!(fs::metadata(&path).expect("it is there").mode() & 0o777, mode);
            file.set_mode(0o640).expect("it is ours");
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn one_that_nobody_listens_on_is_replaced() {
        let (_folder, path) = folder();
        drop(UnixListener::bind(&path).expect("free"));
        assert!(path.exists());
        bind(&path, 0o600).expect("nobody is there");
    }

    #[test]
    fn one_that_is_in_use_is_an_error_also_if_nobody_accepts() {
        let (_folder, path) = folder();
        let _used = bind(&path, 0o600).expect("free");
        let mut waiting = Vec::new();
        for _ in 0..2 * BACKLOG {
            let client = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            client.set_nonblocking(true).expect("it is ours");
            if client.connect(&SockAddr::unix(&path).expect("short")).is_err() {
                break;
            }
            waiting.push(client);
        }
        assert_eq!(bind(&path, 0o600).expect_err("in use").kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists());
    }

    #[test]
    fn another_file_is_an_error_and_stays() {
        let (_folder, path) = folder();
        fs::write(&path, "precious").expect("the folder is ours");
        assert_eq!(bind(&path, 0o600).expect_err("a file").to_string(), "there is a file that is no socket");
        assert_eq!(fs::read(&path).expect("it is there"), b"precious");
    }

    #[test]
    fn a_file_that_took_its_place_stays() {
        let (_folder, path) = folder();
        let (_listener, file) = bind(&path, 0o600).expect("free");
        fs::remove_file(&path).expect("it is there");
        let _other = UnixListener::bind(&path).expect("free");
        drop(file);
        assert!(path.exists());
    }
}
