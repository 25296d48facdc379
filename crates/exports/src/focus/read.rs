//! Tables that are checked: CSV as it comes, and Parquet through its own rows.

use std::io::Read;

use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::Field;

use super::check::Check;
use crate::{dollars, rfc3339};
use domain::UnixMillis;

/// The longest line that is read, of all of its fields together.
const LINE_BYTES_MAX: usize = 1 << 20;
/// The most columns.
const COLUMNS_MAX: usize = 1000;

/// A file that is no table at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not CSV.
    #[error("not a table: {0}")]
    Csv(#[from] csv::Error),
    /// Not Parquet.
    #[error("not Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// No header.
    #[error("there is no header, or one of more than {COLUMNS_MAX} columns")]
    Header,
    /// A line is too long.
    #[error("line {0} is longer than {LINE_BYTES_MAX} bytes")]
    Long(u64),
}

/// Checks a table in CSV.
pub fn check_csv(file: impl Read) -> Result<Check, ReadError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let is_header = (1..=COLUMNS_MAX).contains(&header.len()) && header.iter().any(|name| !name.is_empty());
    let mut check = Check::new(is_header.then_some(header).ok_or(ReadError::Header)?);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        if record.as_slice().len() > LINE_BYTES_MAX {
            return Err(ReadError::Long(check.rows + 1));
        }
        // No value is an empty field.
        let values = record
            .iter()
            .map(|value| (!value.is_empty()).then(|| value.to_owned()));
        check.row(&values.collect::<Vec<_>>());
    }
    Ok(check)
}

/// Checks a table in Parquet.
pub fn check_parquet<R: ChunkReader + 'static>(file: R) -> Result<Check, ReadError> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let header: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let is_header = (1..=COLUMNS_MAX).contains(&header.len());
    let mut check = Check::new(is_header.then_some(header).ok_or(ReadError::Header)?);
    for row in reader.get_row_iter(None)? {
        let row = row?;
        let values = row.get_column_iter().map(|(_, field)| said(field));
        check.row(&values.collect::<Vec<_>>());
    }
    Ok(check)
}

/// A value as CSV would say it.
fn said(field: &Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => Some(String::from_utf8_lossy(bytes.data()).into_owned()),
        Field::TimestampMillis(at) => Some(rfc3339(UnixMillis(*at))),
        Field::TimestampMicros(at) => Some(rfc3339(UnixMillis(at.div_euclid(1000)))),
        Field::Decimal(decimal) if decimal.scale() == 9 && decimal.data().len() == 16 => {
            let bytes: Option<[u8; 16]> = decimal.data().try_into().ok();
            bytes.map(|bytes| dollars(i128::from_be_bytes(bytes)))
        }
        other => Some(other.to_string()),
    }
}
