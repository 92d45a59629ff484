//! Repeated writes: the same key and body get the same answer and no second effect; the same key with another body is
//! refused.

use prost::Message;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tonic::{Response, Status};

use crate::{Db, status};

/// What a write answers that is done once however often it is asked for.
#[derive(Debug)]
pub struct Done<Resp> {
    /// The answer, the same for every repeat.
    pub answer: Resp,
    /// Whether it was done before and only the answer given again.
    pub repeated: bool,
}

impl<Resp> Done<Resp> {
    /// The answer as an RPC returns it.
    #[must_use]
    pub fn into_response(self) -> Response<Resp> {
        Response::new(self.answer)
    }
}

/// Does a write once: in one transaction it claims the request id of `(caller id, method, request id)`, works, keeps the
/// answer and commits. A repeat changes nothing and gets the answer of the first; a concurrent one waits for its end.
/// When `work` fails, nothing was changed and the id is free again.
///
/// # Errors
/// `ALREADY_EXISTS` with reason `IDEMPOTENCY_CONFLICT` when the id was used with another body; what `work` returns;
/// database errors.
pub async fn once<Req: Message, Resp: Message + Default>(
    db: &Db,
    (caller_id, method, request_id): (&str, &'static str, &str),
    request: &Req,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<Resp, Status>,
) -> Result<Done<Resp>, Status> {
    let mut tx = db.begin().await.map_err(status::from_sqlx)?;
    if let Some(answer) = begin(&mut tx, caller_id, method, request_id, request).await? {
        return Ok(Done { answer, repeated: true });
    }
    let answer = work(&mut tx).await?;
    finish(&mut tx, caller_id, method, request_id, &answer).await?;
    tx.commit().await.map_err(status::from_sqlx)?;
    Ok(Done { answer, repeated: false })
}

/// Claims a request id inside the transaction of the write, before anything else is done in it.
///
/// `Some(answer)` means that the write was done before: return the answer, change nothing. A concurrent repeat waits
/// here until the first one has ended.
///
async fn begin<Req: Message, Resp: Message + Default>(
    conn: &mut PgConnection,
    caller_id: &str,
    method: &'static str,
    request_id: &str,
    request: &Req,
) -> Result<Option<Resp>, Status> {
    let hash: [u8; 32] = Sha256::digest(request.encode_to_vec()).into();
    let claimed = sqlx::query(
        "-- claim_request
        insert into request_log (caller_id, method, request_id, request_hash) values ($1, $2, $3, $4)
        on conflict do nothing",
    )
    .bind(caller_id)
    .bind(method)
    .bind(request_id)
    .bind(&hash[..])
    .execute(&mut *conn)
    .await
    .map_err(status::from_sqlx)?;
    if claimed.rows_affected() == 1 {
        return Ok(None);
    }
    let (known, response): (Vec<u8>, Option<Vec<u8>>) = sqlx::query_as(
        "-- read_request
        select request_hash, response from request_log where caller_id = $1 and method = $2 and request_id = $3",
    )
    .bind(caller_id)
    .bind(method)
    .bind(request_id)
    .fetch_one(conn)
    .await
    .map_err(status::from_sqlx)?;
    if known != hash {
        let message = format!("request id {request_id} was used with another content");
        return Err(status::already_exists("IDEMPOTENCY_CONFLICT", message));
    }
    let response = response.unwrap_or_default();
    Resp::decode(response.as_slice()).map(Some).map_err(|error| status::internal(&error))
}

/// Keeps the answer, in the same transaction.
async fn finish<Resp: Message>(
    conn: &mut PgConnection,
    caller_id: &str,
    method: &'static str,
    request_id: &str,
    response: &Resp,
) -> Result<(), Status> {
    sqlx::query(
        "-- keep_answer
        update request_log set response = $4 where caller_id = $1 and method = $2 and request_id = $3",
    )
    .bind(caller_id)
    .bind(method)
    .bind(request_id)
    .bind(response.encode_to_vec())
    .execute(conn)
    .await
    .map_err(status::from_sqlx)?;
    Ok(())
}
