//! What `std` would bring: memory, also for what the host hands over, and an end to panics.

use alloc::alloc::{Layout, alloc, realloc};
use core::arch::wasm32::unreachable;
use core::panic::PanicInfo;
use core::ptr;

// What `std` allocates with for `wasm32-unknown-unknown`, which PlectoProxy's own template is built for.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

// For `memcmp` and its kind, which the compiler calls, and for nothing else.
#[link(name = "c")]
unsafe extern "C" {}

/// Memory for what the host hands over. The library's own would come from another allocator than what frees it.
///
/// # Safety
///
/// As the canonical ABI asks: `old` is null with a size of 0, or came from here with this size and alignment.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return ptr::without_provenance_mut(align);
    }
    let Ok(layout) = Layout::from_size_align(if old_size == 0 { size } else { old_size }, align) else { unreachable() };
    // Safety: no size is 0 here, and what was handed out before had this layout.
    let memory = unsafe { if old_size == 0 { alloc(layout) } else { realloc(old, layout, size) } };
    if memory.is_null() { unreachable() } else { memory }
}

#[panic_handler]
fn trap(_: &PanicInfo) -> ! {
    unreachable()
}
