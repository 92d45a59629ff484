//! The tree: moved, cut off, restored; never a ring.

use proto::{
    common::v1::PageRequest,
    knowledge::v1::{self as wire, KnowledgeEvent},
};
use testkit::TestService;
use tonic::Code;

use crate::support::{UNKNOWN, get, page, pages, pages_in, reason, save, space, start, titles, tree};

async fn move_to(app: &TestService, page: &str, parent: &str, before: &str) -> Result<wire::Page, tonic::Status> {
    let request = wire::MovePageRequest {
        page_id: page.into(),
        space_key: String::new(),
        parent_id: parent.into(),
        before_page_id: before.into(),
    };
    pages(app).move_page(request).await.map(|done| done.into_inner().page.unwrap())
}

/// a(b(c), d) and e.
async fn small_tree(app: &TestService) -> [String; 5] {
    space(app, "WH").await;
    let a = page(app, "", "a", "").await.page_id;
    let b = page(app, &a, "b", "").await.page_id;
    let c = page(app, &b, "c", "").await.page_id;
    let d = page(app, &a, "d", "").await.page_id;
    let e = page(app, "", "e", "").await.page_id;
    [a, b, c, d, e]
}

#[tokio::test]
async fn a_page_moves_with_everything_below_it() {
    let app = start().await;
    let [a, b, c, d, e] = small_tree(&app).await;
    assert_eq!(tree(&app, &["editor"]).await, ["a", "e", "b", "d", "c"]);
    let moved = move_to(&app, &b, &e, "").await.unwrap();
    assert_eq!((moved.parent_id.as_str(), moved.ancestor_ids), (e.as_str(), vec![e.clone()]));
    assert_eq!(get(&app, &c).await.ancestor_ids, [e.clone(), b.clone()]);
    assert_eq!(tree(&app, &["editor"]).await, ["a", "e", "d", "b", "c"]);
    move_to(&app, &e, "", &a).await.unwrap();
    assert_eq!(tree(&app, &["editor"]).await[..2], ["e", "a"]);
    move_to(&app, &d, &e, &b).await.unwrap();
    let children = wire::ListChildrenRequest { page: None, space_key: "WH".into(), parent_id: e };
    let children = pages(&app).list_children(children).await.unwrap().into_inner().children;
    let shown: Vec<(&str, bool, i32)> = children.iter().map(|n| (n.title.as_str(), n.has_children, n.depth)).collect();
    assert_eq!(shown, [("d", false, 1), ("b", true, 1)]);
}

#[tokio::test]
async fn a_page_never_comes_below_itself() {
    let app = start().await;
    let [a, b, c, _, _] = small_tree(&app).await;
    for parent in [&a, &b, &c] {
        let refused = move_to(&app, &a, parent, "").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PAGE_CYCLE"));
    }
    assert_eq!(tree(&app, &["editor"]).await, ["a", "e", "b", "d", "c"]);
}

#[tokio::test]
async fn two_moves_at_once_make_no_ring() {
    let app = start().await;
    let [a, .., e] = small_tree(&app).await;
    for _ in 0..10 {
        let (first, second) = tokio::join!(move_to(&app, &a, &e, ""), move_to(&app, &e, &a, ""));
        assert!(first.is_ok() != second.is_ok(), "exactly one may win");
        let lost = first.err().or(second.err()).unwrap();
        assert_eq!(reason(&lost), "PAGE_CYCLE");
        assert_eq!(tree(&app, &["editor"]).await.len(), 5, "everything is still reached from the top");
        move_to(&app, &a, "", "").await.unwrap();
        move_to(&app, &e, "", "").await.unwrap();
    }
}

#[tokio::test]
async fn pages_created_while_their_parent_moves_are_below_it_wherever_it_is() {
    let app = start().await;
    let [a, b, .., e] = small_tree(&app).await;
    let mut work = Vec::new();
    for n in 0..10 {
        let mut client = pages(&app);
        let request = wire::CreatePageRequest {
            parent_id: b.clone(),
            ..crate::support::new_page(&format!("n{n}"), &format!("n{n}"), "")
        };
        work.push(tokio::spawn(async move { client.create_page(request).await.unwrap() }));
    }
    for n in 0..10 {
        move_to(&app, &b, if n % 2 == 0 { &e } else { &a }, "").await.unwrap();
    }
    for job in work {
        let id = job.await.unwrap().into_inner().page.unwrap().page_id;
        assert_eq!(get(&app, &id).await.ancestor_ids, [a.clone(), b.clone()]);
    }
}

#[tokio::test]
async fn a_page_moves_to_another_space_with_its_branch() {
    let app = start().await;
    let [_, b, c, _, e] = small_tree(&app).await;
    space(&app, "OPS").await;
    let request = |parent: &str| wire::MovePageRequest {
        page_id: b.clone(),
        space_key: "OPS".into(),
        parent_id: parent.into(),
        before_page_id: String::new(),
    };
    assert_eq!(
        pages(&app).move_page(request(&e)).await.unwrap_err().code(),
        Code::NotFound,
        "a parent of the other space"
    );
    let moved = pages(&app).move_page(request("")).await.unwrap().into_inner().page.unwrap();
    assert_eq!((moved.space_key.as_str(), moved.ancestor_ids.len()), ("OPS", 0));
    assert_eq!(get(&app, &c).await.space_key, "OPS");
    assert_eq!(tree(&app, &["editor"]).await, ["a", "e", "d"]);
    let unknown = wire::MovePageRequest { space_key: "NONE".into(), ..request("") };
    assert_eq!(pages(&app).move_page(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = move_to(&app, &c, "", UNKNOWN).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound, "no such sibling");
}

#[tokio::test]
async fn a_tree_is_at_most_fifty_levels_deep() {
    let app = start().await;
    space(&app, "WH").await;
    let mut parent = String::new();
    for level in 0..50 {
        parent = page(&app, &parent, &format!("p{level}"), "").await.page_id;
    }
    let request = wire::CreatePageRequest { parent_id: parent.clone(), ..crate::support::new_page("deep", "deep", "") };
    assert_eq!(reason(&pages(&app).create_page(request).await.unwrap_err()), "TREE_TOO_DEEP");
    let other = page(&app, "", "other", "").await.page_id;
    assert_eq!(reason(&move_to(&app, &other, &parent, "").await.unwrap_err()), "TREE_TOO_DEEP");
    assert_eq!(tree(&app, &["editor"]).await.len(), 51);
}

#[tokio::test]
async fn children_are_listed_in_their_order_page_by_page() {
    let app = start().await;
    space(&app, "WH").await;
    for n in 0..7 {
        page(&app, "", &format!("p{n}"), "").await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 3, page_token: token });
        let request = wire::ListChildrenRequest { page, space_key: "WH".into(), parent_id: String::new() };
        let list = pages(&app).list_children(request).await.unwrap().into_inner();
        seen.extend(list.children.into_iter().map(|node| node.title));
        token = list.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]);
    let shallow = wire::GetTreeRequest { space_key: "WH".into(), root_id: String::new(), depth: 51 };
    assert_eq!(pages(&app).get_tree(shallow).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_deleted_branch_is_gone_until_it_is_restored() {
    let app = start().await;
    let [a, b, c, d, _] = small_tree(&app).await;
    let delete = |id: &str| wire::DeletePageRequest { page_id: id.into() };
    let restore = |id: &str| wire::RestorePageRequest { page_id: id.into() };
    assert_eq!(pages(&app).delete_page(delete(&d)).await.unwrap().into_inner().deleted, 1);
    assert_eq!(pages(&app).delete_page(delete(&a)).await.unwrap().into_inner().deleted, 3);
    assert_eq!(pages(&app).delete_page(delete(&a)).await.unwrap().into_inner().deleted, 0, "again changes nothing");
    assert_eq!(tree(&app, &["editor"]).await, ["e"]);
    assert!(titles(&app, "c").await.is_empty());
    let mut guest = pages_in(&app, &["guest"]);
    let hidden = guest.get_page(wire::GetPageRequest { page_id: c.clone(), version: 0 }).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
    assert!(get(&app, &c).await.trashed_at.is_some(), "an editor sees it");
    let refused = pages(&app).save_page(save(&get(&app, &c).await, "s", "x")).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_IN_TRASH");
    assert_eq!(reason(&move_to(&app, &c, "", "").await.unwrap_err()), "PAGE_IN_TRASH");
    let below = wire::CreatePageRequest { parent_id: b.clone(), ..crate::support::new_page("n", "n", "") };
    assert_eq!(reason(&pages(&app).create_page(below).await.unwrap_err()), "PARENT_IN_TRASH");
    let trash = wire::ListTrashRequest { page: None, space_key: "WH".into() };
    let trash = pages(&app).list_trash(trash).await.unwrap().into_inner().pages;
    let mut shown: Vec<&str> = trash.iter().map(|page| page.title.as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["a", "d"], "not what went with them");

    for id in [&c, &d] {
        assert_eq!(reason(&pages(&app).restore_page(restore(id)).await.unwrap_err()), "PARENT_IN_TRASH");
    }
    let back = pages(&app).restore_page(restore(&a)).await.unwrap().into_inner();
    assert_eq!((back.restored, back.page.unwrap().trashed_at), (3, None));
    assert_eq!(tree(&app, &["editor"]).await, ["a", "e", "b", "c"], "d was deleted by itself and stays");
    assert_eq!(pages(&app).restore_page(restore(&a)).await.unwrap().into_inner().restored, 0);
    assert_eq!(pages(&app).restore_page(restore(&d)).await.unwrap().into_inner().restored, 1);
    assert_eq!(app.facts::<KnowledgeEvent>("page_deleted").await.len(), 4);
    assert_eq!(app.facts::<KnowledgeEvent>("page_saved").await.len(), 5 + 4);
}

#[tokio::test]
async fn a_save_and_a_deletion_at_once_leave_one_of_two_orders() {
    let app = start().await;
    let [a, .., c, _, _] = small_tree(&app).await;
    let text = get(&app, &c).await;
    let (mut one, mut other) = (pages(&app), pages(&app));
    let (saved, deleted) =
        tokio::join!(one.save_page(save(&text, "s", "x")), other.delete_page(wire::DeletePageRequest { page_id: a }));
    assert_eq!(deleted.unwrap().into_inner().deleted, 4);
    if let Err(refused) = saved {
        assert_eq!(reason(&refused), "PAGE_IN_TRASH");
    }
    assert!(get(&app, &c).await.trashed_at.is_some());
}
