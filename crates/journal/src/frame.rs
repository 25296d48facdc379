//! One record as bytes: checksum, length, kind, request id, payload. Pure: bytes in, bytes out.

use domain::RequestId;

use crate::JournalError;

/// The largest payload. A length field that claims more is damage, not a reason to allocate.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Bytes before the payload: checksum 4, length 4, kind 1, id 16.
pub(crate) const HEAD_BYTES: usize = 25;

/// What a caller asks the journal to keep.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A call is about to be sent; `bytes` say how to account for it if nothing else does.
    Intent {
        /// The request.
        id: RequestId,
        /// What [`crate::OpenIntent::bytes`] will be.
        bytes: &'a [u8],
    },
    /// The call's ledger entry; closes its intent if it had one.
    Entry {
        /// The request.
        id: RequestId,
        /// What [`crate::BatchEntry::bytes`] will be.
        bytes: &'a [u8],
    },
    /// The call was never sent: its intent is cancelled.
    Void {
        /// The request.
        id: RequestId,
    },
}

/// A record's kind as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Intent = 1,
    Entry = 2,
    Void = 3,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Intent),
            2 => Some(Self::Entry),
            3 => Some(Self::Void),
            _ => None,
        }
    }
}

/// A record ready to be written: its head on the stack, its payload where the caller has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) head: [u8; HEAD_BYTES],
    pub(crate) payload: &'a [u8],
    pub(crate) kind: Kind,
    pub(crate) id: RequestId,
}

impl<'a> Frame<'a> {
    /// Frames a record. `salt` is the segment's: bytes that merely look like a record (inside a payload, say) do
    /// not pass for one.
    pub(crate) fn of(record: Record<'a>, salt: u32) -> Result<Self, JournalError> {
        let (kind, id, payload) = match record {
            Record::Intent { id, bytes } => (Kind::Intent, id, bytes),
            Record::Entry { id, bytes } => (Kind::Entry, id, bytes),
            Record::Void { id } => (Kind::Void, id, [].as_slice()),
        };
        if payload.len() > RECORD_BYTES_MAX {
            return Err(JournalError::TooLarge(payload.len()));
        }
        let length = u32::try_from(payload.len()).map_err(|_| JournalError::TooLarge(payload.len()))?;
        Ok(Self {
            head: head(salt, length, kind, id, payload),
            payload,
            kind,
            id,
        })
    }

    /// How many bytes it is on disk.
    pub(crate) fn bytes(&self) -> u64 {
        HEAD_BYTES as u64 + self.payload.len() as u64
    }
}

fn head(salt: u32, length: u32, kind: Kind, id: RequestId, payload: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let (checksum, rest) = head.split_at_mut(4);
    let (length_at, kind_and_id) = rest.split_at_mut(4);
    let (kind_at, id_at) = kind_and_id.split_at_mut(1);
    length_at.copy_from_slice(&length.to_le_bytes());
    kind_at.fill(kind as u8);
    id_at.copy_from_slice(id.as_bytes());
    checksum.copy_from_slice(&checksum_of(salt, rest, payload).to_le_bytes());
    head
}

fn checksum_of(salt: u32, head_rest: &[u8], payload: &[u8]) -> u32 {
    // The salt is the register's first value, most significant bit first; the library takes the checksum of
    // what came before, which is that register reflected and inverted.
    let begun = !salt.reverse_bits();
    crc32c::crc32c_append(crc32c::crc32c_append(begun, head_rest), payload)
}

/// The CRC-32C of bytes that are not a frame (segment heads, the cursor).
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// A record read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: RequestId,
    pub(crate) payload: &'a [u8],
}

impl Read<'_> {
    /// How many bytes it is on disk.
    pub(crate) fn bytes(&self) -> u64 {
        HEAD_BYTES as u64 + self.payload.len() as u64
    }
}

/// Why there is no whole record at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The bytes end before the record does; it needs this many.
    Short(usize),
    /// The bytes are no record.
    Bad(&'static str),
}

/// Reads the record at the start of `bytes`.
pub(crate) fn read(bytes: &[u8], salt: u32) -> Result<Read<'_>, Broken> {
    let Some((checksum, after)) = bytes.split_first_chunk::<4>() else {
        return Err(Broken::Short(HEAD_BYTES));
    };
    let Some((length, after_length)) = after.split_first_chunk::<4>() else {
        return Err(Broken::Short(HEAD_BYTES));
    };
    let Some((&[kind], after_kind)) = after_length.split_first_chunk::<1>() else {
        return Err(Broken::Short(HEAD_BYTES));
    };
    let kind = Kind::of(kind).ok_or(Broken::Bad("unknown record kind"))?;
    let Some((id, body)) = after_kind.split_first_chunk::<16>() else {
        return Err(Broken::Short(HEAD_BYTES));
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > RECORD_BYTES_MAX {
        return Err(Broken::Bad("record length is out of range"));
    }
    let payload = body.get(..length).ok_or(Broken::Short(HEAD_BYTES + length))?;
    let head_rest = after.get(..HEAD_BYTES - 4).unwrap_or_default();
    if checksum_of(salt, head_rest, payload) != u32::from_le_bytes(*checksum) {
        return Err(Broken::Bad("checksum does not match"));
    }
    Ok(Read {
        kind,
        id: RequestId::from_u128(u128::from_be_bytes(*id)),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes_of(record: Record<'_>, salt: u32) -> Vec<u8> {
        let frame = Frame::of(record, salt).unwrap();
        [&frame.head, frame.payload].concat()
    }

    proptest! {
        #[test]
        fn agp_r1_what_is_framed_reads_back(id: u128, salt: u32, payload in prop::collection::vec(any::<u8>(), 0..2000)) {
            let id = RequestId::from_u128(id);
            let bytes = bytes_of(Record::Entry { id, bytes: &payload }, salt);
            let back = read(&bytes, salt).unwrap();
            prop_assert_eq!(back, Read { kind: Kind::Entry, id, payload: &payload });
            prop_assert_eq!(back.bytes(), bytes.len() as u64);
        }

        #[test]
        fn agp_r1_any_flipped_bit_is_noticed(
            salt: u32, payload in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8u8,
        ) {
            let mut bytes = bytes_of(Record::Intent { id: RequestId::from_u128(7), bytes: &payload }, salt);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&bytes, salt).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(salt: u32, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes, salt);
        }
    }

    /// Checksums are on disks: another library, or another machine, must find the same.
    #[test]
    fn checksums_are_pinned() {
        assert_eq!(crc32c(b""), 0);
        assert_eq!(
            crc32c(b"123456789"),
            0xe306_9283,
            "the catalogue's check value of CRC-32C"
        );
        let payload: Vec<u8> = (0..4000_u32)
            .map(|n| u8::try_from(n * 7 % 251).unwrap())
            .collect();
        assert_eq!(crc32c(&payload), 0x9861_684c);
        for (salt, checksum) in [
            (0, 0x63d9_056f),
            (1, 0xfbde_f85a),
            (0xdead_beef, 0xaec6_c6d7),
            (u32::MAX, 0xb443_9fcf),
        ] {
            assert_eq!(checksum_of(salt, b"head", &payload), checksum, "{salt:08x}");
        }
    }

    #[test]
    fn every_cut_is_short_never_bad() {
        let bytes = bytes_of(
            Record::Entry {
                id: RequestId::from_u128(1),
                bytes: b"payload",
            },
            9,
        );
        for cut in 0..bytes.len() {
            assert!(
                matches!(read(&bytes[..cut], 9), Err(Broken::Short(needs)) if needs > cut),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_record_of_another_segment_is_none() {
        let bytes = bytes_of(
            Record::Void {
                id: RequestId::from_u128(1),
            },
            9,
        );
        assert_eq!(read(&bytes, 10), Err(Broken::Bad("checksum does not match")));
    }

    #[test]
    fn payloads_end_at_the_limit() {
        let id = RequestId::from_u128(1);
        let limit = vec![0; RECORD_BYTES_MAX];
        assert!(Frame::of(Record::Entry { id, bytes: &limit }, 0).is_ok());
        let over = vec![0; RECORD_BYTES_MAX + 1];
        assert!(matches!(
            Frame::of(Record::Entry { id, bytes: &over }, 0),
            Err(JournalError::TooLarge(_))
        ));
    }
}
