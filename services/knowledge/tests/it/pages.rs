//! One page: created, read, drawn, refused.

use proto::knowledge::v1::{self as wire, KnowledgeEvent, knowledge_event::Event};
use tonic::Code;
use wire::page_service_client::PageServiceClient;

use crate::support::{READER, UNKNOWN, channel, fields, get, new_page, page, pages, reason, save, space, start};

#[tokio::test]
async fn a_page_created_twice_with_one_key_is_one_page() {
    let app = start().await;
    space(&app, "WH").await;
    let request = wire::CreatePageRequest {
        comment: "начало".into(), ..new_page("r1", " Приёмка ", "# Как\r\nтак")
    };
    let first = pages(&app).create_page(request.clone()).await.unwrap().into_inner().page.unwrap();
    assert_eq!((first.title.as_str(), first.body.as_str(), first.version), ("Приёмка", "# Как\nтак", 1));
    assert_eq!((first.author_id.as_str(), first.comment.as_str(), first.my_level), ("anna", "начало", 2));
    let again = pages(&app).create_page(request.clone()).await.unwrap().into_inner().page.unwrap();
    assert_eq!(again, first);
    assert_eq!(get(&app, &first.page_id).await, first);
    let other = pages(&app).create_page(wire::CreatePageRequest { title: "x".into(), ..request }).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    let facts = app.facts::<KnowledgeEvent>("page_saved").await;
    let [KnowledgeEvent { event: Some(Event::PageSaved(fact)) }] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((fact.page_id.as_str(), fact.space_key.as_str(), fact.version), (first.page_id.as_str(), "WH", 1));
}

#[tokio::test]
async fn bad_pages_are_refused_and_change_nothing() {
    let app = start().await;
    space(&app, "WH").await;
    let bad = wire::CreatePageRequest {
        space_key: "wh".into(),
        parent_id: "7".into(),
        title: "a\nb".into(),
        body: "x\0".into(),
        comment: "c".repeat(501),
        ..new_page("", "", "")
    };
    let status = pages(&app).create_page(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["request_id", "space_key", "parent_id", "title", "body", "comment"]);
    let big = pages(&app).create_page(new_page("r", "t", &"я".repeat(131_073))).await.unwrap_err();
    assert_eq!(fields(&big), ["body"]);
    let unknown = wire::CreatePageRequest { space_key: "NONE".into(), ..new_page("r", "t", "") };
    assert_eq!(pages(&app).create_page(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = wire::CreatePageRequest { parent_id: UNKNOWN.into(), ..new_page("r", "t", "") };
    assert_eq!(pages(&app).create_page(unknown).await.unwrap_err().code(), Code::NotFound);
    space(&app, "OTHER").await;
    let here = page(&app, "", "здесь", "").await;
    let foreign =
        wire::CreatePageRequest { space_key: "OTHER".into(), parent_id: here.page_id, ..new_page("r", "t", "") };
    assert_eq!(pages(&app).create_page(foreign).await.unwrap_err().code(), Code::NotFound, "a parent of another space");
    assert_eq!(app.events().await.len(), 1);
}

#[tokio::test]
async fn the_largest_page_of_different_words_is_taken_or_refused_in_words() {
    let app = start().await;
    space(&app, "WH").await;
    let letters: Vec<char> = ('а'..='я').collect();
    let mut body = String::new();
    for n in 0_usize.. {
        let word: String = [n / 32_768, n / 1_024, n / 32, n].iter().map(|d| letters[d % 32]).collect();
        if body.len() + word.len() + 1 > 262_144 {
            break;
        }
        body.push_str(&word);
        body.push(' ');
    }
    match pages(&app).create_page(new_page("r", "t", &body)).await {
        Ok(done) => assert_eq!(done.into_inner().page.unwrap().body.len(), body.len()),
        Err(status) => assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["body".to_owned()])),
    }
}

#[tokio::test]
async fn unknown_pages_are_not_found_and_malformed_ids_invalid() {
    let app = start().await;
    space(&app, "WH").await;
    let codes = |id: &str| {
        let id = id.to_owned();
        let mut client = pages(&app);
        async move {
            let text = wire::Page { page_id: id.clone(), current_version: 1, title: "t".into(), ..Default::default() };
            let diff = wire::DiffVersionsRequest { page_id: id.clone(), from_version: 1, to_version: 1 };
            let old = wire::RestoreVersionRequest {
                request_id: "r".into(),
                page_id: id.clone(),
                version: 1,
                base_version: 1,
                comment: String::new(),
            };
            [
                client.get_page(wire::GetPageRequest { page_id: id.clone(), version: 0 }).await.unwrap_err().code(),
                client.save_page(save(&text, "r", "x")).await.unwrap_err().code(),
                client
                    .move_page(wire::MovePageRequest { page_id: id.clone(), ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
                client.delete_page(wire::DeletePageRequest { page_id: id.clone() }).await.unwrap_err().code(),
                client.restore_page(wire::RestorePageRequest { page_id: id.clone() }).await.unwrap_err().code(),
                client
                    .list_versions(wire::ListVersionsRequest { page: None, page_id: id.clone() })
                    .await
                    .unwrap_err()
                    .code(),
                client.diff_versions(diff).await.unwrap_err().code(),
                client.restore_version(old).await.unwrap_err().code(),
                client
                    .render_page(wire::RenderPageRequest { page_id: id.clone(), version: 0 })
                    .await
                    .unwrap_err()
                    .code(),
                client.get_page_access(wire::GetPageAccessRequest { page_id: id.clone() }).await.unwrap_err().code(),
                client
                    .put_page_access(wire::PutPageAccessRequest { page_id: id, ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
            ]
        }
    };
    assert_eq!(codes(UNKNOWN).await, [Code::NotFound; 11]);
    assert_eq!(codes("'; drop table page").await, [Code::InvalidArgument; 11]);
    let of_space = |key: &str| {
        let (key, mut client) = (key.to_owned(), pages(&app));
        async move {
            [
                client
                    .list_children(wire::ListChildrenRequest { space_key: key.clone(), ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
                client
                    .get_tree(wire::GetTreeRequest { space_key: key.clone(), ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
                client.list_trash(wire::ListTrashRequest { page: None, space_key: key }).await.unwrap_err().code(),
            ]
        }
    };
    assert_eq!(of_space("NONE").await, [Code::NotFound; 3]);
    assert_eq!(of_space("n\0").await, [Code::InvalidArgument; 3]);
}

#[tokio::test]
async fn who_may_not_is_refused_every_rpc() {
    let app = start().await;
    let mut client = PageServiceClient::new(app.client(READER));
    let denied = |result: Result<(), tonic::Status>| assert_eq!(result.unwrap_err().code(), Code::PermissionDenied);
    denied(client.create_page(wire::CreatePageRequest::default()).await.map(|_| ()));
    denied(client.save_page(wire::SavePageRequest::default()).await.map(|_| ()));
    denied(client.move_page(wire::MovePageRequest::default()).await.map(|_| ()));
    denied(client.delete_page(wire::DeletePageRequest::default()).await.map(|_| ()));
    denied(client.restore_page(wire::RestorePageRequest::default()).await.map(|_| ()));
    denied(client.restore_version(wire::RestoreVersionRequest::default()).await.map(|_| ()));
    denied(client.list_trash(wire::ListTrashRequest::default()).await.map(|_| ()));
    denied(client.put_page_access(wire::PutPageAccessRequest::default()).await.map(|_| ()));
    let mut client = PageServiceClient::new(app.client(&[]));
    denied(client.get_page(wire::GetPageRequest::default()).await.map(|_| ()));
    denied(client.list_versions(wire::ListVersionsRequest::default()).await.map(|_| ()));
    denied(client.diff_versions(wire::DiffVersionsRequest::default()).await.map(|_| ()));
    denied(client.list_children(wire::ListChildrenRequest::default()).await.map(|_| ()));
    denied(client.get_tree(wire::GetTreeRequest::default()).await.map(|_| ()));
    denied(client.render_page(wire::RenderPageRequest::default()).await.map(|_| ()));
    denied(client.get_page_access(wire::GetPageAccessRequest::default()).await.map(|_| ()));
}

#[tokio::test]
async fn a_page_is_drawn_safely_in_any_version() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Схема", "# Раз\n<script>alert(1)</script>\n\n| а |\n|---|\n| б |").await;
    pages(&app).save_page(save(&first, "s1", "два")).await.unwrap();
    let draw = |version| {
        let mut client = PageServiceClient::new(channel(&app, "g", &["guest"]));
        let request = wire::RenderPageRequest { page_id: first.page_id.clone(), version };
        async move { client.render_page(request).await }
    };
    let now = draw(0).await.unwrap().into_inner();
    assert_eq!((now.html.as_str(), now.version, now.title.as_str()), ("<p>два</p>\n", 2, "Схема"));
    let old = draw(1).await.unwrap().into_inner();
    assert!(old.html.contains("<h1>Раз</h1>") && old.html.contains("<table>"), "{}", old.html);
    assert!(!old.html.contains("<script"), "{}", old.html);
    assert_eq!(draw(3).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(draw(-1).await.unwrap_err().code(), Code::InvalidArgument);
}
