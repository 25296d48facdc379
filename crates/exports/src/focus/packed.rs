//! FOCUS as Parquet: amounts as exact decimals, moments as timestamps, JSON marked as such.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::ours::{COLUMNS, charges};
use crate::write::WriteError;
use crate::{Cell, Column, Kind, Names, Rows};

/// Rows of a group: what is held twice in memory.
const GROUP_ROWS: usize = 20_000;

type Charge = [Cell; COLUMNS.len()];

/// Writes all charges. Returns how many.
pub(crate) fn write<W: Write + Send>(rows: &Rows, names: &Names, out: W) -> Result<u64, WriteError> {
    let schema = Arc::new(parse_message_type(&schema())?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("bartizan".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "focus_version".to_owned(),
            super::VERSION.to_owned(),
        )]));
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
    let (mut count, mut group) = (0, Vec::new());
    for charge in charges(rows, names) {
        group.push(charge?);
        count += 1;
        if group.len() == GROUP_ROWS {
            write_group(file.next_row_group()?, &group)?;
            group.clear();
        }
    }
    if !group.is_empty() {
        write_group(file.next_row_group()?, &group)?;
    }
    file.close()?;
    Ok(count)
}

fn schema() -> String {
    let columns = COLUMNS.iter().map(|column| {
        let (before, after) = match column.kind {
            Kind::Text => ("binary", " (STRING)"),
            Kind::Json => ("binary", " (JSON)"),
            Kind::Number => ("fixed_len_byte_array(16)", " (DECIMAL(38,9))"),
            Kind::Time => ("int64", " (TIMESTAMP(MILLIS,true))"),
        };
        let may = if column.is_nullable {
            "optional"
        } else {
            "required"
        };
        format!("  {may} {before} {}{after};\n", column.name)
    });
    format!("message focus {{\n{}}}\n", columns.collect::<String>())
}

fn write_group<W: Write + Send>(
    mut group: SerializedRowGroupWriter<'_, W>,
    charges: &[Charge],
) -> Result<(), ParquetError> {
    for (at, column) in COLUMNS.iter().enumerate() {
        let mut writer = group
            .next_column()?
            .ok_or_else(|| ParquetError::General("too few columns".to_owned()))?;
        let cells = charges.iter().filter_map(|charge| charge.get(at));
        write_column(&mut writer, column, cells)?;
        writer.close()?;
    }
    group.close().map(drop)
}

fn write_column<'a>(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column,
    cells: impl Iterator<Item = &'a Cell> + Clone,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(*cell != Cell::Null)).collect();
    let levels = column.is_nullable.then_some(levels.as_slice());
    match column.kind {
        Kind::Text | Kind::Json => {
            let values: Vec<ByteArray> = cells.filter_map(text).collect();
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, levels, None)?;
        }
        Kind::Number => {
            let values: Vec<FixedLenByteArray> = cells.filter_map(decimal).collect();
            writer
                .typed::<FixedLenByteArrayType>()
                .write_batch(&values, levels, None)?;
        }
        Kind::Time => {
            let values: Vec<i64> = cells.filter_map(millis).collect();
            writer.typed::<Int64Type>().write_batch(&values, levels, None)?;
        }
    }
    Ok(())
}

fn text(cell: &Cell) -> Option<ByteArray> {
    match cell {
        Cell::Text(text) => Some(text.as_str().into()),
        _ => None,
    }
}

fn decimal(cell: &Cell) -> Option<FixedLenByteArray> {
    match cell {
        Cell::Number(billionths) => Some(billionths.to_be_bytes().to_vec().into()),
        _ => None,
    }
}

fn millis(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Time(at) => Some(at.0),
        _ => None,
    }
}
