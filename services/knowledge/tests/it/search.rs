//! What is written is found: in any form, in both languages, mistyped too.

use proto::{common::v1::PageRequest, knowledge::v1 as wire};
use time::Duration;
use tonic::Code;

use crate::support::{find, page, pages, save, search_in, space, start, titles};

#[tokio::test]
async fn any_form_of_a_word_finds_it_in_both_languages() {
    let app = start().await;
    space(&app, "WH").await;
    page(&app, "", "Приёмка товара", "Кладовщики проверяют **накладные** поставщиков").await;
    page(&app, "", "Returns", "Customers returned damaged lures to the warehouse").await;
    for query in [
        "накладная",
        "НАКЛАДНЫХ",
        "кладовщик проверил",
        "приемка",
        "приёмкой",
        "поставщику",
        "\"накладные поставщиков\"",
    ] {
        assert_eq!(titles(&app, query).await, ["Приёмка товара"], "{query}");
    }
    for query in ["return", "damage", "lure warehouses", "customer's", "return or хомяк"] {
        assert_eq!(titles(&app, query).await, ["Returns"], "{query}");
    }
    for query in ["накладная -кладовщик", "\"поставщиков накладные\"", "return -damaged"]
    {
        assert!(titles(&app, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn the_title_counts_more_and_fresh_pages_come_first() {
    let app = start().await;
    space(&app, "WH").await;
    page(&app, "", "Старая инструкция", "про возврат и прочее").await;
    app.clock.advance(Duration::days(900));
    page(&app, "", "Новая инструкция", "про возврат и прочее").await;
    page(&app, "", "Возврат", "про всё и прочее").await;
    assert_eq!(titles(&app, "возврат").await, ["Возврат", "Новая инструкция", "Старая инструкция"]);
}

#[tokio::test]
async fn fragments_mark_what_was_found_and_are_safe() {
    let app = start().await;
    space(&app, "WH").await;
    let body = "Начало <script>alert(1)</script> и *шнуры* плетёные & прочие \u{e000}хитрости\u{e001}";
    page(&app, "", "Шнур \"<b>", body).await;
    let hit = find(&app, &["editor"], "шнуров").await.hits.remove(0);
    assert_eq!(hit.title, "Шнур \"<b>");
    assert!(hit.title_html.starts_with("<mark>Шнур</mark> &quot;"), "{}", hit.title_html);
    let html = hit.fragments_html.join(" ");
    assert!(html.contains("<mark>шнуры</mark>") && html.contains("&amp; прочие"), "{html}");
    let bare = html.replace("<mark>", "").replace("</mark>", "");
    assert!(!bare.contains('<') && !bare.contains('\u{e000}'), "{html}");
    assert_eq!(html.matches("<mark>").count(), 1, "only what was found: {html}");
}

#[tokio::test]
async fn a_typing_error_is_forgiven() {
    let app = start().await;
    space(&app, "WH").await;
    page(&app, "", "Инвентаризация", "Порядок пересчёта остатков в ячейках").await;
    page(&app, "", "Warranty", "How customers send their reels for repair").await;
    for (query, title) in [
        ("инвинтаризация", "Инвентаризация"),
        ("остаткков", "Инвентаризация"),
        ("warrantty", "Warranty"),
        ("custmers repare", "Warranty"),
    ] {
        let found = find(&app, &["editor"], query).await;
        assert!(found.corrected, "{query}");
        assert_eq!(found.hits.iter().map(|hit| hit.title.as_str()).collect::<Vec<_>>(), [title], "{query}");
        assert!(found.hits[0].fragments_html.iter().chain([&found.hits[0].title_html]).any(|h| h.contains("<mark>")));
    }
    let exact = find(&app, &["editor"], "warranty").await;
    assert!(!exact.corrected);
    let nothing = find(&app, &["editor"], "абракадабра").await;
    assert!(nothing.hits.is_empty() && !nothing.corrected);
}

#[tokio::test]
async fn what_is_saved_is_found_at_once_and_what_is_gone_is_not() {
    let app = start().await;
    space(&app, "WH").await;
    let first = page(&app, "", "Тара", "паллеты").await;
    assert_eq!(titles(&app, "паллета").await, ["Тара"]);
    pages(&app).save_page(save(&first, "s", "ящики")).await.unwrap();
    assert!(titles(&app, "паллета").await.is_empty());
    assert_eq!(titles(&app, "ящик").await, ["Тара"]);
    pages(&app).delete_page(wire::DeletePageRequest { page_id: first.page_id.clone() }).await.unwrap();
    assert!(titles(&app, "ящик").await.is_empty());
    pages(&app).restore_page(wire::RestorePageRequest { page_id: first.page_id }).await.unwrap();
    assert_eq!(titles(&app, "ящик").await, ["Тара"]);
}

#[tokio::test]
async fn a_search_is_walked_page_by_page_and_limited_to_spaces() {
    let app = start().await;
    space(&app, "WH").await;
    space(&app, "OPS").await;
    for n in 0..7 {
        page(&app, "", &format!("стр{n}"), &"короб ".repeat(n + 1)).await;
    }
    let other = wire::CreatePageRequest {
        space_key: "OPS".into(), ..crate::support::new_page("o", "другое", "короб")
    };
    pages(&app).create_page(other).await.unwrap();
    for query in ["короба", "коробб"] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { page_size: 3, page_token: token });
            let request = wire::SearchPagesRequest { page, query: query.into(), space_keys: vec![] };
            let found = search_in(&app, &["editor"]).search_pages(request).await.unwrap().into_inner();
            seen.extend(found.hits.into_iter().map(|hit| hit.title));
            token = found.page.unwrap().next_page_token;
            if token.is_empty() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8, "{query}");
    }
    let request = wire::SearchPagesRequest { page: None, query: "короб".into(), space_keys: vec!["OPS".into()] };
    let found = search_in(&app, &["editor"]).search_pages(request).await.unwrap().into_inner();
    assert_eq!(found.hits.iter().map(|hit| hit.title.as_str()).collect::<Vec<_>>(), ["другое"]);
}

#[tokio::test]
async fn queries_that_look_like_commands_are_only_words() {
    let app = start().await;
    space(&app, "WH").await;
    page(&app, "", "Обычная", "страница").await;
    for query in
        ["' | ! & (", "страница'); drop table page; --", "<-> :* :A", "\"", "-", "!!!", "\\", "or or or", "a:*b"]
    {
        let request = wire::SearchPagesRequest { page: None, query: query.into(), space_keys: vec![] };
        assert!(search_in(&app, &["editor"]).search_pages(request).await.is_ok(), "{query}");
    }
    assert_eq!(titles(&app, "страница").await, ["Обычная"]);
    let refused = |request: wire::SearchPagesRequest| {
        let mut client = search_in(&app, &["editor"]);
        async move { assert_eq!(client.search_pages(request).await.unwrap_err().code(), Code::InvalidArgument) }
    };
    let good = wire::SearchPagesRequest { page: None, query: "x".into(), space_keys: vec![] };
    refused(wire::SearchPagesRequest { query: String::new(), ..good.clone() }).await;
    refused(wire::SearchPagesRequest { query: "x".repeat(201), ..good.clone() }).await;
    refused(wire::SearchPagesRequest { query: "a\0b".into(), ..good.clone() }).await;
    refused(wire::SearchPagesRequest { space_keys: vec!["x".into()], ..good.clone() }).await;
    refused(wire::SearchPagesRequest { page: Some(PageRequest { page_size: 0, page_token: "MTIz".into() }), ..good })
        .await;
    let before_time =
        "W1stOTk5OSwxLDAsMCwwLDAsMCwwLDBdLGZhbHNlLDEsIjAxOTBiNWEwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd";
    let page = Some(PageRequest { page_size: 0, page_token: before_time.into() });
    refused(wire::SearchPagesRequest { page, query: "x".into(), space_keys: vec![] }).await;
    let mut nobody = wire::search_service_client::SearchServiceClient::new(app.client(&[]));
    assert_eq!(
        nobody.search_pages(wire::SearchPagesRequest::default()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}
