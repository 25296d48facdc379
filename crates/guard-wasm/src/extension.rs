//! A module that judges texts: one instance a text, and nothing it says is believed that cannot be. Never keeps an instance.

use std::fmt;

use guard::custom::ExtensionUse;
use guard::{Direction, Extension, ExtensionFailed, Hit, Origin};
use wasmi::{Error, Instance, Linker, Memory, Module, Store, StoreLimits, TrapCode};

use crate::abi::{self, ALLOCATE, INSPECT, MEMORY};
use crate::load::{FUEL_BASE, limits};

/// An operator's own guard, ready to judge. Shared by all calls.
pub struct WasmExtension {
    module: Module,
    linker: Linker<StoreLimits>,
    fuel_per_kib: u64,
    memory_bytes_max: u64,
    sha256: String,
}

/// What a module made of one text, and what that cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What it found, or why it could not judge.
    pub hits: Result<Vec<Hit>, ExtensionFailed>,
    /// What the interpreter says of a failure; for who writes the module.
    pub detail: String,
    /// What it computed, in fuel.
    pub fuel: u64,
    /// What it may have computed.
    pub fuel_max: u64,
    /// The memory it had at the end, in bytes.
    pub memory_bytes: u64,
}

/// Why it could not judge, and what the interpreter says of it.
type Failure = (ExtensionFailed, String);

impl WasmExtension {
    pub(crate) fn new(
        module: Module,
        linker: Linker<StoreLimits>,
        settings: &ExtensionUse,
        sha256: String,
    ) -> Self {
        Self {
            module,
            linker,
            fuel_per_kib: settings.fuel_per_kib,
            memory_bytes_max: settings.memory_bytes_max,
            sha256,
        }
    }

    /// The SHA-256 of its file, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Judges one text, and says what that cost.
    // threat: AGP-D1 AGP-I1
    #[must_use]
    pub fn try_on(&self, text: &str, direction: Direction, origin: Origin) -> Tried {
        let kib = u64::try_from(text.len().div_ceil(1_024)).unwrap_or(u64::MAX);
        let fuel_max = FUEL_BASE.saturating_add(self.fuel_per_kib.saturating_mul(kib));
        let mut store = Store::new(self.module.engine(), limits(self.memory_bytes_max));
        store.limiter(|limits| limits);
        let mut memory_bytes = 0;
        let hits = store.set_fuel(fuel_max).map_err(failure).and_then(|()| {
            let instance = self.linker.instantiate_and_start(&mut store, &self.module).map_err(failure)?;
            let memory = instance.get_memory(&store, MEMORY).ok_or_else(|| unfit("it has no memory"))?;
            let answer = ask(&mut store, &instance, memory, text, direction, origin);
            memory_bytes = memory.data(&store).len() as u64;
            let hits = abi::hits(answer?, memory.data(&store));
            let hits = hits.ok_or_else(|| unfit("it answered no list of findings"))?;
            match Hit::all_stand(&hits, text) {
                true => Ok(hits),
                false => Err(unfit(
                    "a finding is empty, out of order, overlaps another one, splits a character or lies outside of the text, or its score or \
                     rule is none",
                )),
            }
        });
        let (hits, detail) = match hits {
            Ok(hits) => (Ok(hits), String::new()),
            Err((why, detail)) => (Err(why), detail),
        };
        Tried {
            hits,
            detail,
            fuel: fuel_max.saturating_sub(store.get_fuel().unwrap_or(0)),
            fuel_max,
            memory_bytes,
        }
    }
}

impl Extension for WasmExtension {
    fn inspect(&self, text: &str, direction: Direction, origin: Origin) -> Result<Vec<Hit>, ExtensionFailed> {
        self.try_on(text, direction, origin).hits
    }
}

impl fmt::Debug for WasmExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmExtension")
            .field("sha256", &self.sha256)
            .field("fuel_per_kib", &self.fuel_per_kib)
            .field("memory_bytes_max", &self.memory_bytes_max)
            .finish_non_exhaustive()
    }
}

fn ask(
    store: &mut Store<StoreLimits>,
    instance: &Instance,
    memory: Memory,
    text: &str,
    direction: Direction,
    origin: Origin,
) -> Result<i64, Failure> {
    let too_long = || {
        (
            ExtensionFailed::Memory,
            "the text does not fit into 32 bits".to_owned(),
        )
    };
    let bytes = i32::try_from(text.len()).map_err(|_| too_long())?;
    let allocate = instance
        .get_typed_func::<i32, i32>(&*store, ALLOCATE)
        .map_err(failure)?;
    let place = allocate.call(&mut *store, bytes).map_err(failure)?;
    if place == 0 {
        let what = format!("`{ALLOCATE}` has no place for {bytes} bytes");
        return Err((ExtensionFailed::Memory, what));
    }
    let address = usize::try_from(place.cast_unsigned()).unwrap_or(usize::MAX);
    let written = memory.write(&mut *store, address, text.as_bytes());
    written.map_err(|_| unfit("the place it gave for the text is not in its memory"))?;
    let inspect = instance
        .get_typed_func::<(i32, i32, i32, i32), i64>(&*store, INSPECT)
        .map_err(failure)?;
    let asked = (place, bytes, abi::direction(direction), abi::origin(origin));
    inspect.call(&mut *store, asked).map_err(failure)
}

fn failure(error: Error) -> Failure {
    let why = match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => ExtensionFailed::Fuel,
        Some(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => ExtensionFailed::Memory,
        _ => ExtensionFailed::Trap,
    };
    (why, error.to_string())
}

fn unfit(what: &str) -> Failure {
    (ExtensionFailed::Output, what.to_owned())
}
