//! Counts the system calls of one thread, as `strace -c` would, without a tool that has to be installed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// System calls of a child's thread while `work` goes on. The thread has to call the system now and then also when
/// there is nothing to do.
///
/// # Panics
/// When there is no such thread, or it cannot be traced.
pub fn counted(process: u32, thread: &str, work: impl FnOnce() + Send) -> u64 {
    let traced = thread_id(process, thread);
    let done = AtomicBool::new(false);
    let wait = || waitpid(traced, Some(WaitPidFlag::__WALL)).expect("the thread lives");
    ptrace::seize(traced, Options::PTRACE_O_TRACESYSGOOD).expect("a child may be traced");
    ptrace::interrupt(traced).expect("it is traced");
    wait();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _done = Done(&done);
            work();
        });
        // At its entry and at its exit.
        let mut stops = 0;
        while !done.load(SeqCst) {
            ptrace::syscall(traced, None).expect("it is stopped");
            stops += u64::from(matches!(wait(), WaitStatus::PtraceSyscall(_)));
        }
        ptrace::detach(traced, None).expect("it is stopped");
        stops / 2
    })
}

/// Says that the work is over, also when it panicked.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

fn thread_id(process: u32, thread: &str) -> Pid {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process lives");
    let named = tasks
        .filter_map(Result::ok)
        .find(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == thread));
    let id = named.and_then(|task| task.file_name().to_str()?.parse().ok());
    Pid::from_raw(id.unwrap_or_else(|| panic!("process {process} has no thread `{thread}`")))
}
