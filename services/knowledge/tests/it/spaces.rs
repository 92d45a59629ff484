//! Spaces and who may do what there.

use proto::{common::v1::PageRequest, knowledge::v1 as wire};
use tonic::Code;
use wire::{AccessLevel as Level, space_service_client::SpaceServiceClient};

use crate::support::{READER, channel, fields, reason, role, space, spaces, start};

#[tokio::test]
async fn a_space_is_made_once_however_often_it_is_asked_for() {
    let app = start().await;
    let first = space(&app, "WH").await;
    assert_eq!(first.my_level, i32::from(Level::Write), "the maker is an editor");
    assert_eq!(space(&app, "WH").await, first);
    let other =
        wire::CreateSpaceRequest { request_id: "space-WH".into(), key: "WHX".into(), name: "x".into(), access: vec![] };
    let status = spaces(&app).create_space(other.clone()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    let taken = wire::CreateSpaceRequest { request_id: "r2".into(), key: "WH".into(), ..other };
    let status = spaces(&app).create_space(taken).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "SPACE_KEY_TAKEN"));
}

#[tokio::test]
async fn bad_spaces_are_refused_field_by_field() {
    let app = start().await;
    let bad = wire::CreateSpaceRequest {
        request_id: String::new(),
        key: "w h".into(),
        name: String::new(),
        access: vec![role("a", Level::Read), role("a", Level::Write), role("b c", Level::Unspecified)],
    };
    let status = spaces(&app).create_space(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in ["request_id", "key", "name", "access[1].role", "access[2].role", "access[2].level"] {
        assert!(fields(&status).contains(&field.to_owned()), "{field} not in {:?}", fields(&status));
    }
    let mut reader = SpaceServiceClient::new(app.client(READER));
    assert_eq!(
        reader.create_space(wire::CreateSpaceRequest::default()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let mut nobody = SpaceServiceClient::new(app.client(&[]));
    assert_eq!(
        nobody.list_spaces(wire::ListSpacesRequest::default()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn everybody_sees_their_own_spaces_only() {
    let app = start().await;
    for key in ["AA", "BB", "CC"] {
        space(&app, key).await;
    }
    let mut chief = SpaceServiceClient::new(channel(&app, "chief", &["chief"]));
    let public = wire::PutSpaceAccessRequest {
        key: "BB".into(),
        name: "Для всех".into(),
        access: vec![role("*", Level::Read), role("chief", Level::Admin)],
        version: 1,
    };
    chief.put_space_access(public).await.unwrap();
    let keys = |roles: &'static [&'static str]| {
        let mut client = SpaceServiceClient::new(channel(&app, "x", roles));
        async move {
            let spaces = client.list_spaces(wire::ListSpacesRequest { page: None }).await.unwrap().into_inner().spaces;
            spaces.into_iter().map(|space| (space.key, space.my_level)).collect::<Vec<_>>()
        }
    };
    assert_eq!(keys(&["guest"]).await, [("AA".into(), 1), ("BB".into(), 1), ("CC".into(), 1)]);
    assert_eq!(keys(&["guest", "editor"]).await, [("AA".into(), 2), ("BB".into(), 1), ("CC".into(), 2)]);
    assert_eq!(keys(&[]).await, [("BB".into(), 1)]);
    let mut admin = SpaceServiceClient::new(app.client(&["knowledge.page.read", "knowledge.space.admin"]));
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 1, page_token: token });
        let list = admin.list_spaces(wire::ListSpacesRequest { page }).await.unwrap().into_inner();
        seen.extend(list.spaces.into_iter().map(|space| (space.key, space.my_level)));
        token = list.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [("AA".into(), 3), ("BB".into(), 3), ("CC".into(), 3)]);
}

#[tokio::test]
async fn only_admins_change_access_and_of_two_changes_one_wins() {
    let app = start().await;
    space(&app, "WH").await;
    let change = wire::PutSpaceAccessRequest {
        key: "WH".into(),
        name: "Склад".into(),
        access: vec![role("chief", Level::Admin)],
        version: 1,
    };
    let denied = spaces(&app).put_space_access(change.clone()).await.unwrap_err();
    assert_eq!((denied.code(), reason(&denied).as_str()), (Code::PermissionDenied, "NOT_SPACE_ADMIN"));
    let mut stranger = SpaceServiceClient::new(channel(&app, "x", &["nobody"]));
    assert_eq!(stranger.put_space_access(change.clone()).await.unwrap_err().code(), Code::NotFound, "not even known");
    let mut chief = SpaceServiceClient::new(channel(&app, "chief", &["chief"]));
    let done = chief.put_space_access(change.clone()).await.unwrap().into_inner();
    assert_eq!(done.space.as_ref().unwrap().version, 2);
    let lost = chief.put_space_access(change).await.unwrap_err();
    assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
    let access = chief.get_space_access(wire::GetSpaceAccessRequest { key: "WH".into() }).await.unwrap().into_inner();
    assert_eq!(access.access, [role("chief", Level::Admin)]);
    assert_eq!(access.space, done.space);
    let gone = spaces(&app).get_space_access(wire::GetSpaceAccessRequest { key: "WH".into() }).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound, "editors may not know of it any more");
}
