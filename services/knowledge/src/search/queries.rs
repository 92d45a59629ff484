//! SQL of searching.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{BEGIN, CUT, END};
use crate::spaces::domain::Reader;

/// What is looked for.
pub(super) struct Wanted<'a> {
    /// The words: as a person wrote them, or in the database's language when corrected.
    pub(super) words: &'a str,
    /// Which of the two.
    pub(super) corrected: bool,
    /// Keys of the spaces; `None` for all.
    pub(super) spaces: Option<&'a [String]>,
    /// The moment from which freshness counts: the same for all pages of a list.
    pub(super) as_of: OffsetDateTime,
    /// Score and id of the last hit of the page before.
    pub(super) after: Option<(i64, Uuid)>,
    /// Hits wanted.
    pub(super) limit: i64,
}

/// A page found.
#[derive(sqlx::FromRow)]
pub(super) struct Hit {
    pub(super) id: Uuid,
    pub(super) space_key: String,
    pub(super) title: String,
    pub(super) version: i32,
    pub(super) saved_at: OffsetDateTime,
    pub(super) score: i64,
    pub(super) title_marked: String,
    pub(super) marked: String,
}

/// The best pages somebody may read. Words in the title weigh two and a half times those in the text; a page a year old
/// scores three quarters of a fresh one.
pub(super) async fn find(conn: &mut PgConnection, wanted: &Wanted<'_>, reader: &Reader) -> sqlx::Result<Vec<Hit>> {
    sqlx::query_as(
        "-- search_pages
        with asked as (
            select case when $2 then to_tsquery('knowledge'::regconfig, $1) else websearch_to_tsquery('knowledge'::regconfig, $1)
                end as words
        ), found as (
            select p.id, s.key as space_key, p.title, p.plain, p.version, p.saved_at, a.words, round((
                ts_rank('{0.1, 0.2, 0.4, 1.0}', p.search, a.words, 1)
                * (0.5 + 0.5 * exp(-greatest(extract(epoch from $6::timestamptz - p.saved_at), 0) / (45.0 * 1000 * 1000)))
            )::numeric * 1000000000)::int8 as score
            from page p join space s on s.id = p.space_id cross join asked a
            where p.search @@ a.words and p.trashed_at is null
              and ($3::text[] is null or s.key = any($3))
              and page_level(p.space_id, p.id, p.path, $4, $5) > 0
        ), best as (
            select * from found where $7::int8 is null or (score, id) < ($7, $8) order by score desc, id desc limit $9
        )
        select id, space_key, title, version, saved_at, score,
            ts_headline('knowledge'::regconfig, translate(title, $10, ''), words, 'HighlightAll=true, StartSel=' || $11 ||
                ', StopSel=' || $12) as title_marked,
            ts_headline('knowledge'::regconfig, translate(plain, $10, ''), words, 'MaxFragments=3, MinWords=8, MaxWords=24, '
                || 'StartSel=' || $11 || ', StopSel=' || $12 || ', FragmentDelimiter=' || $13) as marked
        from best order by score desc, id desc",
    )
    .bind(wanted.words)
    .bind(wanted.corrected)
    .bind(wanted.spaces)
    .bind(&reader.roles)
    .bind(reader.admin)
    .bind(wanted.as_of)
    .bind(wanted.after.map(|(score, _)| score))
    .bind(wanted.after.map(|(_, id)| id))
    .bind(wanted.limit)
    .bind(String::from_iter([BEGIN, END, CUT]))
    .bind(BEGIN.to_string())
    .bind(END.to_string())
    .bind(CUT.to_string())
    .fetch_all(conn)
    .await
}

/// Words known that look like those asked for: asked, known. The most similar first, five at most for each.
pub(super) async fn similar(conn: &mut PgConnection, words: &[String]) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "-- similar_words
        select q.word, v.word from unnest($1::text[]) as q (word) cross join lateral (
            select word from vocabulary where word % q.word order by word <-> q.word, word limit 5
        ) v",
    )
    .bind(words)
    .fetch_all(conn)
    .await
}
