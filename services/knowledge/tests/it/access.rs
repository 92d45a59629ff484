//! What a reader may not read does not exist for that reader, anywhere.

use proto::knowledge::v1 as wire;
use testkit::TestService;
use tonic::Code;
use wire::page_service_client::PageServiceClient;

use crate::support::{channel, find, get, page, pages, pages_in, reason, save, space, start, tree};

async fn restrict(app: &TestService, id: &str, read: &[&str], write: &[&str]) {
    let list = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect();
    let request = wire::PutPageAccessRequest { page_id: id.into(), read_roles: list(read), write_roles: list(write) };
    pages_in(app, &["chief"]).put_page_access(request).await.unwrap();
}

async fn code(app: &TestService, roles: &[&str], id: &str) -> Code {
    let request = wire::GetPageRequest { page_id: id.into(), version: 0 };
    pages_in(app, roles).get_page(request).await.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn a_stranger_sees_nothing_of_a_space() {
    let app = start().await;
    space(&app, "WH").await;
    let secret = page(&app, "", "Зарплаты", "окладов нет").await;
    assert_eq!(code(&app, &[], &secret.page_id).await, Code::NotFound);
    assert_eq!(code(&app, &["guest"], &secret.page_id).await, Code::Ok);
    assert!(find(&app, &[], "зарплата").await.hits.is_empty());
    let request = wire::GetTreeRequest { space_key: "WH".into(), ..Default::default() };
    assert_eq!(pages_in(&app, &[]).get_tree(request).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(pages_in(&app, &[]).save_page(save(&secret, "s", "x")).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_guest_reads_but_does_not_write() {
    let app = start().await;
    space(&app, "WH").await;
    let text = page(&app, "", "Приёмка", "раз").await;
    let mut guest = pages_in(&app, &["guest"]);
    let denied = |status: tonic::Status| {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "PAGE_READ_ONLY"));
    };
    denied(guest.save_page(save(&text, "s", "x")).await.unwrap_err());
    denied(guest.delete_page(wire::DeletePageRequest { page_id: text.page_id.clone() }).await.unwrap_err());
    denied(guest.create_page(crate::support::new_page("r", "t", "")).await.unwrap_err());
    denied(
        guest
            .move_page(wire::MovePageRequest { page_id: text.page_id.clone(), ..Default::default() })
            .await
            .unwrap_err(),
    );
    let restrict = wire::PutPageAccessRequest { page_id: text.page_id.clone(), ..Default::default() };
    denied(guest.put_page_access(restrict.clone()).await.unwrap_err());
    let editor = pages(&app).put_page_access(restrict).await.unwrap_err();
    assert_eq!(reason(&editor), "NOT_SPACE_ADMIN");
    assert_eq!(get(&app, &text.page_id).await, text);
}

#[tokio::test]
async fn a_restriction_holds_for_the_whole_branch_and_everywhere() {
    let app = start().await;
    space(&app, "WH").await;
    let top = page(&app, "", "Финансы", "бюджет").await;
    let below = page(&app, &top.page_id, "Оклады", "бюджет фонда").await;
    let free = page(&app, "", "Склад", "бюджет склада").await;
    restrict(&app, &top.page_id, &["accountant"], &[]).await;

    for id in [&top.page_id, &below.page_id] {
        assert_eq!(code(&app, &["editor"], id).await, Code::NotFound);
        assert_eq!(code(&app, &["editor", "accountant"], id).await, Code::Ok);
        assert_eq!(code(&app, &["accountant"], id).await, Code::NotFound, "the space's access is needed too");
        assert_eq!(code(&app, &["chief"], id).await, Code::Ok, "admins are not kept out");
    }
    assert_eq!(tree(&app, &["editor"]).await, ["Склад"]);
    assert_eq!(tree(&app, &["guest", "accountant"]).await, ["Финансы", "Склад", "Оклады"]);
    let found = |roles: &'static [&'static str]| {
        let app = &app;
        async move {
            let mut titles: Vec<String> =
                find(app, roles, "бюджет").await.hits.into_iter().map(|hit| hit.title).collect();
            titles.sort();
            titles
        }
    };
    assert_eq!(found(&["editor"]).await, ["Склад"]);
    assert_eq!(found(&["editor", "accountant"]).await, ["Оклады", "Склад", "Финансы"]);
    assert!(find(&app, &["editor"], "фонда").await.hits.is_empty());
    assert!(find(&app, &["editor"], "фондда").await.hits.is_empty(), "nor by a similar word");
    let mut admin = PageServiceClient::new(app.client(&["knowledge.page.read", "knowledge.space.admin"]));
    let request = wire::GetPageRequest { page_id: below.page_id.clone(), version: 0 };
    assert_eq!(admin.get_page(request).await.unwrap().into_inner().page.unwrap().my_level, 3);

    let moved =
        wire::MovePageRequest { page_id: free.page_id.clone(), parent_id: top.page_id.clone(), ..Default::default() };
    let refused = pages(&app).move_page(moved.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "an editor can't move below what the editor can't see");
    pages_in(&app, &["chief"]).move_page(moved).await.unwrap();
    assert_eq!(code(&app, &["editor"], &free.page_id).await, Code::NotFound, "restricted by its new place");
    restrict(&app, &top.page_id, &[], &[]).await;
    assert_eq!(code(&app, &["editor"], &below.page_id).await, Code::Ok);
}

#[tokio::test]
async fn a_page_may_be_read_by_all_and_written_by_some() {
    let app = start().await;
    space(&app, "WH").await;
    let rules = page(&app, "", "Правила", "раз").await;
    restrict(&app, &rules.page_id, &[], &["lawyer"]).await;
    let denied = pages(&app).save_page(save(&rules, "s", "x")).await.unwrap_err();
    assert_eq!(reason(&denied), "PAGE_READ_ONLY");
    assert_eq!(get(&app, &rules.page_id).await.my_level, i32::from(wire::AccessLevel::Read));
    pages_in(&app, &["editor", "lawyer"]).save_page(save(&rules, "s", "x")).await.unwrap();
    let access =
        pages(&app).get_page_access(wire::GetPageAccessRequest { page_id: rules.page_id.clone() }).await.unwrap();
    assert_eq!(access.into_inner().write_roles, ["lawyer"]);
    let bad = wire::PutPageAccessRequest { page_id: rules.page_id, read_roles: vec![" ".into()], write_roles: vec![] };
    let mut chief = PageServiceClient::new(channel(&app, "c", &["chief"]));
    assert_eq!(chief.put_page_access(bad).await.unwrap_err().code(), Code::InvalidArgument);
}
