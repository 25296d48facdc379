//! Forward-only schema changes: which of the known ones are still to be applied.
//!
//! Pure: engines read what was applied and apply what is due, both inside one exclusive transaction.

use aws_lc_rs::digest::{SHA256, digest};

use crate::StoreError;

/// One file of `migrations/<engine>/`, embedded.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; numbers rise.
    pub version: i64,
    /// Its file name.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of the statements, hex: a file that was applied must never change.
    pub fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// What the version table says of one applied migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub version: i64,
    /// Its checksum when it was applied.
    pub checksum: String,
}

/// The migrations that are still to be applied, in order. `Conflict` if an applied one has changed since,
/// or if the database has seen one that this program does not know.
pub fn due<'a>(known: &'a [Migration], applied: &[Applied]) -> Result<Vec<&'a Migration>, StoreError> {
    for past in applied {
        check(known, past)?;
    }
    let done = |migration: &&Migration| applied.iter().any(|past| past.version == migration.version);
    Ok(known.iter().filter(|migration| !done(migration)).collect())
}

fn check(known: &[Migration], past: &Applied) -> Result<(), StoreError> {
    let version = past.version;
    match known.iter().find(|migration| migration.version == version) {
        None => Err(StoreError::Conflict(format!(
            "the database has migration {version}, which this version of the program does not know"
        ))),
        Some(migration) if migration.checksum() != past.checksum => Err(StoreError::Conflict(format!(
            "migration {version} (`{}`) has changed since it was applied",
            migration.name
        ))),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration {
            version: 1,
            name: "0001_a.sql",
            sql: "create a",
        },
        Migration {
            version: 2,
            name: "0002_b.sql",
            sql: "create b",
        },
    ];

    fn applied(migration: &Migration) -> Applied {
        Applied {
            version: migration.version,
            checksum: migration.checksum(),
        }
    }

    #[test]
    fn what_was_not_applied_is_due_in_order() {
        let due = |past: &[Applied]| {
            due(&KNOWN, past)
                .unwrap()
                .iter()
                .map(|m| m.version)
                .collect::<Vec<_>>()
        };
        assert_eq!(due(&[]), [1, 2]);
        assert_eq!(due(&[applied(&KNOWN[0])]), [2]);
        assert_eq!(due(&[applied(&KNOWN[0]), applied(&KNOWN[1])]), [0_i64; 0]);
    }

    #[test]
    fn a_changed_or_unknown_migration_is_refused() {
        let changed = Applied {
            version: 1,
            checksum: "00".into(),
        };
        assert!(
            due(&KNOWN, &[changed])
                .unwrap_err()
                .to_string()
                .contains("has changed since")
        );
        let newer = Applied {
            version: 3,
            checksum: "00".into(),
        };
        assert!(
            due(&KNOWN, &[newer])
                .unwrap_err()
                .to_string()
                .contains("does not know")
        );
    }
}
