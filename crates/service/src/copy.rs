//! New rows on their way into a table by `copy`, for what every order writes: a sixth to a third cheaper than
//! `insert … select … from unnest(…)`, whose columns are put together row by row, and whose rows are logged one by one. A
//! key that is taken is the same error as from an insert.
//!
//! A copy broken off in the middle leaves its connection an answer behind (sqlx 0.9.0), so only what runs to its end may
//! copy: the intake writer and consumers, never a call that a deadline can cut.

use sqlx::{Encode, PgConnection, Postgres, encode::IsNull, error::BoxDynError, postgres::PgArgumentBuffer};

/// What a binary copy begins with: its signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Rows in the order they will be stored, each a row of columns as the statement names them.
#[derive(Default)]
pub struct Rows {
    buffer: PgArgumentBuffer,
    /// Where the present row begins, and its columns so far.
    row: (usize, i16),
    wrong: Option<BoxDynError>,
}

impl Rows {
    /// No row yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next row.
    pub fn row(&mut self) -> &mut Self {
        if self.buffer.is_empty() {
            self.buffer.extend_from_slice(HEADER);
        }
        self.row = (self.buffer.len(), 0);
        self.buffer.extend_from_slice(&[0; 2]);
        self
    }

    /// Adds the next column of the row. Its type must be exactly the column's: nothing converts it.
    pub fn add<'q>(&mut self, value: impl Encode<'q, Postgres>) -> &mut Self {
        let length_at = self.buffer.len();
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        match value.encode_by_ref(&mut self.buffer) {
            Ok(IsNull::Yes) => {}
            Ok(IsNull::No) => {
                let length = i32::try_from(self.buffer.len() - length_at - 4).unwrap_or(i32::MAX);
                self.buffer[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
            }
            Err(error) => self.wrong = Some(error),
        }
        let (row_at, columns) = (self.row.0, self.row.1 + 1);
        self.row.1 = columns;
        self.buffer[row_at..row_at + 2].copy_from_slice(&columns.to_be_bytes());
        self
    }

    /// Stores the rows with a statement `copy … from stdin (format binary)`. No rows are no statement.
    ///
    /// Only for what is never broken off, as writers and consumers are and calls with a deadline are not: sqlx 0.9 does not
    /// count what the server still owes for a copy, so a connection given up in the middle of one is an answer behind.
    ///
    /// # Errors
    /// Database errors, as an insert of the rows would give; a value that cannot be written.
    pub async fn store(mut self, conn: &mut PgConnection, statement: &'static str) -> sqlx::Result<()> {
        if let Some(error) = self.wrong {
            return Err(sqlx::Error::Encode(error));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.buffer.extend_from_slice(&TRAILER);
        let mut copy = conn.copy_in_raw(statement).await?;
        copy.send(self.buffer.as_slice()).await?;
        copy.finish().await?;
        Ok(())
    }
}
