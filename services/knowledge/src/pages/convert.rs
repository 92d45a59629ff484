//! Wire form of pages.

use proto::knowledge::v1 as wire;
use service::Check;

use super::{
    commands::Text,
    domain::{Kind, Page, Piece},
    queries::{NodeView, TrashView, VersionText, VersionView},
};
use crate::spaces::convert::{encode_level, role};

/// Reads what an author writes. The size of the text is the owner's to set.
pub(super) fn text(
    check: &mut Check,
    title: &str,
    body: &str,
    comment: &str,
    most_bytes: u32,
) -> (String, String, String) {
    let most = usize::try_from(most_bytes).unwrap_or(usize::MAX);
    let title = check.text("title", title, 1..=200);
    check.require(!title.contains('\n'), "title", "one line");
    check.require(body.len() <= most, "body", format!("at most {most} bytes, has {}", body.len()));
    check.require(
        !body.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
        "body",
        "contains control characters",
    );
    (title, body.replace("\r\n", "\n"), check.optional_text("comment", comment, 500))
}

/// Takes the words out, off the threads that serve others.
pub(super) async fn parsed((title, body, comment): (String, String, String)) -> Result<Text, tonic::Status> {
    tokio::task::spawn_blocking(move || Text::new(title, body, comment))
        .await
        .map_err(|error| service::status::internal(&error))
}

pub(super) fn base_version(check: &mut Check, field: &str, version: i32) -> i32 {
    check.require(version > 0, field, "must be the number of a version");
    version
}

pub(super) fn roles(check: &mut Check, field: &str, list: &[String]) -> Vec<String> {
    check.len(field, list.len(), 0..=50);
    let mut roles: Vec<String> = list.iter().take(50).map(|name| role(check, field, name)).collect();
    roles.sort();
    roles.dedup();
    roles
}

pub(super) fn encode(page: Page) -> wire::Page {
    wire::Page {
        page_id: page.id.to_string(),
        space_key: page.space_key,
        parent_id: page.parent_id.map(|id| id.to_string()).unwrap_or_default(),
        title: page.title,
        body: page.body,
        version: page.version,
        current_version: page.version,
        author_id: page.author_id,
        comment: page.comment,
        saved_at: Some(proto::to_timestamp(page.saved_at)),
        created_at: Some(proto::to_timestamp(page.created_at)),
        trashed_at: page.trashed_at.map(proto::to_timestamp),
        my_level: encode_level(page.level),
        ancestor_ids: page.path.iter().map(ToString::to_string).collect(),
    }
}

/// A page as it was in a version.
pub(super) fn encode_old(page: Page, number: i32, old: VersionText) -> wire::Page {
    wire::Page {
        title: old.title,
        body: old.body,
        version: number,
        author_id: old.author_id,
        comment: old.comment,
        saved_at: Some(proto::to_timestamp(old.saved_at)),
        ..encode(page)
    }
}

pub(super) fn encode_version(row: VersionView) -> wire::PageVersion {
    wire::PageVersion {
        version: row.version,
        title: row.title,
        author_id: row.author_id,
        comment: row.comment,
        restored_from: row.restored_from.unwrap_or_default(),
        body_bytes: row.body_bytes,
        saved_at: Some(proto::to_timestamp(row.saved_at)),
    }
}

pub(super) fn encode_pieces(pieces: Vec<Piece>) -> Vec<wire::DiffPiece> {
    let kind = |kind| match kind {
        Kind::Equal => wire::DiffKind::Equal,
        Kind::Deleted => wire::DiffKind::Deleted,
        Kind::Inserted => wire::DiffKind::Inserted,
    };
    pieces.into_iter().map(|piece| wire::DiffPiece { kind: kind(piece.kind).into(), text: piece.text }).collect()
}

pub(super) fn encode_node(row: NodeView) -> wire::PageNode {
    wire::PageNode {
        page_id: row.id.to_string(),
        parent_id: row.parent_id.map(|id| id.to_string()).unwrap_or_default(),
        title: row.title,
        version: row.version,
        depth: row.depth,
        has_children: row.has_children,
        saved_at: Some(proto::to_timestamp(row.saved_at)),
    }
}

pub(super) fn encode_trashed(row: TrashView) -> wire::TrashedPage {
    wire::TrashedPage {
        page_id: row.id.to_string(),
        title: row.title,
        trashed_by: row.trashed_by,
        trashed_at: Some(proto::to_timestamp(row.trashed_at)),
    }
}
