//! The `tollgate` binary with an allocator that counts. When it ends well, the last line of stderr says how often it
//! was asked for memory: `{"allocations":1234}`.

use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// Counts, and leaves all else to the gateway's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { tollgate::Allocator.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { tollgate::Allocator.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { tollgate::Allocator.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { tollgate::Allocator.dealloc(pointer, layout) }
    }
}

fn main() -> ExitCode {
    let code = tollgate::cli::main();
    let _ = writeln!(std::io::stderr(), "{{\"allocations\":{}}}", ALLOCATIONS.load(Relaxed));
    code
}
