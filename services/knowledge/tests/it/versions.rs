//! Every version is kept; two edits of one version leave one.

use proto::{common::v1::PageRequest, knowledge::v1 as wire};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{get, page, pages, reason, save, space, start};

#[tokio::test]
async fn of_twenty_saves_of_one_version_exactly_one_wins() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Приёмка", "начало").await;
    let mut work = Vec::new();
    for n in 0..20 {
        let mut client = pages(&app);
        let request = save(&first, &format!("s{n}"), &format!("текст {n}"));
        work.push(tokio::spawn(async move { client.save_page(request).await }));
    }
    let mut won = Vec::new();
    for job in work {
        match job.await.unwrap() {
            Ok(done) => won.push(done.into_inner().page.unwrap()),
            Err(lost) => {
                assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
                assert_eq!(lost.get_details_error_info().unwrap().metadata["current_version"], "2");
            }
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(get(&app, &first.page_id).await, won[0]);
    assert_eq!(app.events().await.len(), 2);
}

#[tokio::test]
async fn versions_are_numbered_without_gaps_and_all_readable() {
    let app = start().await;
    space(&app, "WH").await;
    let mut now = page(&app, "", "Приёмка", "текст 1").await;
    let id = now.page_id.clone();
    for n in 2..=5 {
        let request = wire::SavePageRequest {
            comment: format!("правка {n}"),
            ..save(&now, &format!("s{n}"), &format!("текст {n}"))
        };
        now = pages(&app).save_page(request).await.unwrap().into_inner().page.unwrap();
    }
    let same = pages(&app).save_page(save(&now, "same", "текст 5")).await.unwrap().into_inner().page.unwrap();
    assert_eq!(same.version, 5, "nothing changed, no new version");
    for n in 1..=5 {
        let request = wire::GetPageRequest { page_id: id.clone(), version: n };
        let old = pages(&app).get_page(request).await.unwrap().into_inner().page.unwrap();
        assert_eq!((old.body.as_str(), old.version, old.current_version), (format!("текст {n}").as_str(), n, 5));
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let list = pages(&app).list_versions(wire::ListVersionsRequest { page, page_id: id.clone() }).await.unwrap();
        let list = list.into_inner();
        seen.extend(list.versions.into_iter().map(|version| (version.version, version.comment)));
        token = list.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<(i32, String)> =
        (1..=5).rev().map(|n| (n, if n == 1 { String::new() } else { format!("правка {n}") })).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_repeated_save_is_one_version() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Приёмка", "раз").await;
    let request = save(&first, "s1", "два");
    let done = pages(&app).save_page(request.clone()).await.unwrap().into_inner();
    assert_eq!(pages(&app).save_page(request.clone()).await.unwrap().into_inner(), done);
    let other = pages(&app).save_page(wire::SavePageRequest { body: "три".into(), ..request }).await.unwrap_err();
    assert_eq!(reason(&other), "IDEMPOTENCY_CONFLICT");
    assert_eq!(get(&app, &first.page_id).await.version, 2);
}

#[tokio::test]
async fn the_difference_of_two_versions_is_told_word_by_word() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Старое имя", "Отгрузка до 18 часов").await;
    let next = wire::SavePageRequest {
        title: "Новое имя".into(), ..save(&first, "s1", "Отгрузка до 19 часов")
    };
    pages(&app).save_page(next).await.unwrap();
    let diff =
        |from, to| wire::DiffVersionsRequest { page_id: first.page_id.clone(), from_version: from, to_version: to };
    let piece = |kind: wire::DiffKind, text: &str| wire::DiffPiece { kind: kind.into(), text: text.into() };
    use wire::DiffKind::{Deleted, Equal, Inserted};
    let forth = pages(&app).diff_versions(diff(1, 2)).await.unwrap().into_inner();
    assert_eq!(forth.title, [piece(Deleted, "Старое"), piece(Inserted, "Новое"), piece(Equal, " имя")]);
    let body = [piece(Equal, "Отгрузка до "), piece(Deleted, "18"), piece(Inserted, "19"), piece(Equal, " часов")];
    assert_eq!(forth.body, body);
    let back = pages(&app).diff_versions(diff(2, 1)).await.unwrap().into_inner();
    assert_eq!(back.body[1], piece(Deleted, "19"));
    let none = pages(&app).diff_versions(diff(2, 2)).await.unwrap().into_inner();
    assert_eq!(none.body, [piece(Equal, "Отгрузка до 19 часов")]);
    assert_eq!(pages(&app).diff_versions(diff(1, 3)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(pages(&app).diff_versions(diff(0, 1)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_old_version_comes_back_as_a_new_one() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Приёмка", "раз").await;
    pages(&app).save_page(save(&first, "s1", "два")).await.unwrap();
    let request = wire::RestoreVersionRequest {
        request_id: "r1".into(),
        page_id: first.page_id.clone(),
        version: 1,
        base_version: 2,
        comment: "вернуть".into(),
    };
    let restored = pages(&app).restore_version(request.clone()).await.unwrap().into_inner().page.unwrap();
    assert_eq!((restored.version, restored.body.as_str(), restored.comment.as_str()), (3, "раз", "вернуть"));
    let again = pages(&app).restore_version(request.clone()).await.unwrap().into_inner().page.unwrap();
    assert_eq!(again, restored);
    let list = wire::ListVersionsRequest { page: None, page_id: first.page_id.clone() };
    let list = pages(&app).list_versions(list).await.unwrap().into_inner().versions;
    assert_eq!(list.iter().map(|version| version.restored_from).collect::<Vec<_>>(), [1, 0, 0]);
    let stale = wire::RestoreVersionRequest { request_id: "r2".into(), ..request.clone() };
    assert_eq!(reason(&pages(&app).restore_version(stale).await.unwrap_err()), "VERSION_CONFLICT");
    let unknown = wire::RestoreVersionRequest { request_id: "r3".into(), version: 9, base_version: 3, ..request };
    assert_eq!(pages(&app).restore_version(unknown).await.unwrap_err().code(), Code::NotFound);
}
