//! Reads a module and refuses what cannot be an extension, in words that say what to do. Never shows it a text.

use guard::custom::ExtensionUse;
use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmi::{
    CompilationMode, Config, EnforcedLimits, Engine, ExternType, FuncType, Linker, Module, Store,
    StoreLimits, StoreLimitsBuilder, ValType,
};

use crate::abi::{ABI, ALLOCATE, INSPECT, MEMORY, VERSION};
use crate::extension::WasmExtension;

/// Bytes of a module.
pub const MODULE_BYTES_MAX: usize = 4 << 20;
/// Fuel that a text has beside that for its length, and a module for being loaded.
pub const FUEL_BASE: u64 = 100_000;
/// Calls within calls.
const DEPTH_MAX: usize = 1_000;
/// Bytes of values that calls within calls keep.
const STACK_BYTES_MAX: usize = 1 << 20;
/// Entries of tables, which calls by address go through.
const TABLE_ENTRIES_MAX: usize = 100_000;

/// Why a module is no extension.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Over [`MODULE_BYTES_MAX`].
    #[error("has {bytes} bytes of at most {MODULE_BYTES_MAX}: build it for size and strip it")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Not the file that was meant.
    #[error(
        "has the SHA-256 {found}, and not the one that `sha256` names: check where the file comes from, then set `sha256`"
    )]
    OtherDigest {
        /// What it has.
        found: String,
    },
    /// No module, or one that uses what is not there.
    #[error(
        "is no module that can run here: {what}: build it for wasm32-unknown-unknown, without a start function"
    )]
    NoModule {
        /// What the interpreter says.
        what: String,
    },
    /// It wants something from outside.
    #[error(
        "imports `{name}`, and there is nothing to import: build it for wasm32-unknown-unknown, not for WASI or a browser"
    )]
    Imports {
        /// The first thing it wants.
        name: String,
    },
    /// An export is not there, or of another type.
    #[error("does not export `{name}` as {wanted}")]
    NoExport {
        /// Its name.
        name: &'static str,
        /// Its type.
        wanted: &'static str,
    },
    /// It was made for another version of the interface.
    #[error("says it is for version {found} of the interface, and this is {ABI}: build it for this one")]
    OtherVersion {
        /// What it says.
        found: i32,
    },
    /// It begins with more memory than it may have, or cannot even say its version.
    #[error("cannot be started: {what}: raise `memory_bytes_max`, or give it less to begin with")]
    NoStart {
        /// What the interpreter says.
        what: String,
    },
}

/// What bounds the memory of each instance.
pub(crate) fn limits(memory_bytes_max: u64) -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .table_elements(TABLE_ENTRIES_MAX)
        .instances(1)
        .memories(1)
        .tables(4)
        .trap_on_grow_failure(true)
        .build()
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // Lazily, the first text would pay for all.
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .set_max_recursion_depth(DEPTH_MAX)
        .set_max_stack_height(STACK_BYTES_MAX);
    config
}

impl WasmExtension {
    /// Reads a module as settings have it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to do.
    // threat: AGP-D1
    pub fn load(bytes: &[u8], settings: &ExtensionUse) -> Result<Self, LoadError> {
        if bytes.len() > MODULE_BYTES_MAX {
            return Err(LoadError::TooLarge { bytes: bytes.len() });
        }
        let found = hex::encode(Sha256::digest(bytes));
        if settings
            .sha256
            .as_ref()
            .is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&found))
        {
            return Err(LoadError::OtherDigest { found });
        }
        let engine = Engine::new(&config());
        let module = Module::new(&engine, bytes).map_err(|error| LoadError::NoModule {
            what: error.to_string(),
        })?;
        if let Some(import) = module.imports().next() {
            return Err(LoadError::Imports {
                name: format!("{}.{}", import.module(), import.name()),
            });
        }
        exports(&module)?;
        let linker = Linker::new(&engine);
        asked_for_its_version(&linker, &module, settings)?;
        Ok(Self::new(module, linker, settings, found))
    }
}

fn exports(module: &Module) -> Result<(), LoadError> {
    use ValType::{I32, I64};
    let memory = matches!(module.get_export(MEMORY), Some(ExternType::Memory(_)));
    if !memory {
        return Err(LoadError::NoExport {
            name: MEMORY,
            wanted: "a memory",
        });
    }
    let wanted = [
        (VERSION, FuncType::new([], [I32]), "a function `() -> i32`"),
        (ALLOCATE, FuncType::new([I32], [I32]), "a function `(i32) -> i32`"),
        (
            INSPECT,
            FuncType::new([I32, I32, I32, I32], [I64]),
            "a function `(i32, i32, i32, i32) -> i64`",
        ),
    ];
    for (name, its_type, wanted) in wanted {
        match module.get_export(name) {
            Some(ExternType::Func(found)) if found == its_type => {}
            _ => return Err(LoadError::NoExport { name, wanted }),
        }
    }
    Ok(())
}

fn asked_for_its_version(
    linker: &Linker<StoreLimits>,
    module: &Module,
    settings: &ExtensionUse,
) -> Result<(), LoadError> {
    let no_start = |error: wasmi::Error| LoadError::NoStart {
        what: error.to_string(),
    };
    let mut store = Store::new(module.engine(), limits(settings.memory_bytes_max));
    store.limiter(|limits| limits);
    store.set_fuel(FUEL_BASE).map_err(no_start)?;
    let instance = linker
        .instantiate_and_start(&mut store, module)
        .map_err(no_start)?;
    let version = instance
        .get_typed_func::<(), i32>(&store, VERSION)
        .map_err(no_start)?;
    match version.call(&mut store, ()).map_err(no_start)? {
        ABI => Ok(()),
        found => Err(LoadError::OtherVersion { found }),
    }
}
