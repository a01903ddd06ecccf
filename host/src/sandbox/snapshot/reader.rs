//! Reads the memory and the globals of an instance through the functions that wizer exported for it.

use std::collections::HashMap;

use wasmtime::Store;
use wasmtime::component::{self, Lift};
use wasmtime_wizer::ComponentInstanceState;

use crate::sandbox::host::Host;
use crate::sandbox::instance::Instance;

/// An instance that is read. What cannot be read comes as zeros, and [`Reader::check`] tells.
pub(super) struct Reader<'a> {
    store: &'a mut Store<Host>,
    instance: component::Instance,
    /// Memories by the names of their functions. Each call grows the memory by a page, and wizer asks twice.
    memories: HashMap<String, Vec<u8>>,
    failed: Option<wasmtime::Error>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(instance: &'a mut Instance) -> Self {
        let (store, instance) = instance.parts();
        let host = store.data_mut();
        // What grows here is not the guest's doing, and what is copied is all that it has.
        host.memory.unbounded();
        host.deadline.rearm(true);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(usize::MAX);
        Self { store, instance, memories: HashMap::new(), failed: None }
    }

    /// Whether everything could be read.
    pub(super) fn check(self) -> wasmtime::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn read<T: Lift + Default + 'static>(&mut self, interface: &str, function: &str) -> T {
        match self.call(interface, function) {
            Ok(value) => value,
            Err(error) => {
                self.failed.get_or_insert(error);
                T::default()
            }
        }
    }

    fn call<T: Lift + 'static>(&mut self, interface: &str, function: &str) -> wasmtime::Result<T> {
        let missing = || wasmtime::Error::msg(format!("no {function}"));
        let interface = self.instance.get_export_index(&mut *self.store, None, interface).ok_or_else(missing)?;
        let index = self.instance.get_export_index(&mut *self.store, Some(&interface), function).ok_or_else(missing)?;
        let function = self.instance.get_typed_func::<(), (T,)>(&mut *self.store, index)?;
        let (value,) = function.call(&mut *self.store, ())?;
        Ok(value)
    }
}

impl ComponentInstanceState for Reader<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        if !self.memories.contains_key(func) {
            let memory = self.read(instance, func);
            self.memories.insert(func.to_owned(), memory);
        }
        contents(&self.memories[func]);
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        f32::to_bits(self.read(instance, func))
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        f64::to_bits(self.read(instance, func))
    }
}
