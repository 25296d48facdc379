//! What is captured and composed, side by side with what went through.

use dialect::Dialect;
use guard::Secrets;
use ledger::Kept;
use ledger::exchange::{Cut, Side};
use store::Room;

use super::clean::Clean;
use super::{GROWN_BYTES, READ_BYTES_MAX, Said, TEXT_BYTES_MAX, told};

const SECRET: &str = "AKIAIOSFODNN7EXAMPLQ";
const MAIL: &str = "ada.lovelace@example.org";

fn whole(body: &[u8], kept: Kept, clean: &Clean<'_>) -> Side {
    super::whole((body, body.len()), kept, clean)
}

fn room() -> Room {
    Room::new(1 << 30)
}

fn event(text: &str) -> String {
    let delta = serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    format!("data: {delta}\n\n")
}

fn said(stream: &str) -> Said {
    let mut said = Said::default();
    // However it was cut on its way.
    for piece in stream.as_bytes().chunks(7) {
        said.push(piece, piece.len(), &room());
    }
    said
}

#[test]
fn anp_0010_redacted_holds_no_secret_however_json_spells_it() {
    let secrets = Secrets::new();
    let clean = Clean::new(&secrets);
    let arguments = serde_json::json!({"to": MAIL})
        .to_string()
        .replace('@', "\\u0040");
    let hidden = MAIL.replace('@', "\\u0040");
    let nested = format!("{{\\\"to\\\":\\\"{}\\\"}}", MAIL.replace('@', "\\\\u0040"));
    let body = format!(
        r#"{{"model":"m","user":"{hidden}","card":4111111111111111,"{SECRET}":1,
            "messages":[{{"role":"user","content":"key {SECRET} of {MAIL}"}},
            {{"role":"assistant","tool_calls":[{{"function":{{"arguments":"{nested}"}}}}]}},
            {{"role":"{MAIL}","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,AAAA"}}}}]}}]}}"#
    );
    let side = whole(body.as_bytes(), Kept::Redacted, &clean);
    let text = side.text.unwrap();
    for planted in [SECRET, MAIL, "lovelace", "4111", "AAAA", &arguments] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    assert!(text.contains("key [redacted:"), "{text}");
    let expected = [
        ("assistant".to_owned(), 1),
        ("other".to_owned(), 1),
        ("user".to_owned(), 1),
    ];
    assert_eq!(side.messages, expected.into());
    assert_eq!(side.cut, None);
}

#[test]
fn anp_0010_metadata_has_no_text_and_full_has_all_of_it() {
    let secrets = Secrets::new();
    let clean = Clean::new(&secrets);
    let body = br#"{"choices":[{"finish_reason":"stop","message":{"content":"hello"}}]}"#;
    let side = whole(body, Kept::Metadata, &clean);
    assert_eq!(
        (side.text, side.finish.as_deref(), side.bytes),
        (None, Some("stop"), body.len() as u64)
    );
    let side = whole(body, Kept::Full, &clean);
    assert_eq!(side.text.unwrap().as_bytes(), body);
    // A reason that nobody knows may be a text.
    let body = br#"{"stop_reason":"my secret plan"}"#;
    assert_eq!(
        whole(body, Kept::Metadata, &clean).finish.as_deref(),
        Some("other")
    );
}

#[test]
fn anp_0010_a_secret_in_pieces_is_put_together_before_it_is_cleaned() {
    let secrets = Secrets::new();
    let clean = Clean::new(&secrets);
    let (first, second) = SECRET.split_at(9);
    let stream = format!(
        "{}{}{}data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"length\"}}]}}\n\ndata: [DONE]\n\n",
        event("key "),
        event(first),
        event(second)
    );
    let side = told::side(&said(&stream), Kept::Redacted, Dialect::OpenAi, &clean);
    let text = side.text.unwrap();
    assert!(!text.contains(first) && !text.contains(second), "{text}");
    assert!(text.contains("key [redacted:aws_access_key_id]"), "{text}");
    assert_eq!((side.cut, side.finish.as_deref()), (None, Some("length")));
    let side = told::side(&said(&stream), Kept::Full, Dialect::OpenAi, &clean);
    assert_eq!(side.text, Some(stream));
}

#[test]
fn anp_0010_where_a_stream_is_cut_no_half_of_a_secret_is_left() {
    let secrets = Secrets::new();
    let clean = Clean::new(&secrets);
    let word = event("word ");
    for shift in 0..40 {
        let mut stream = event(&"x".repeat(shift));
        while stream.len() + word.len() < TEXT_BYTES_MAX - 400 {
            stream.push_str(&word);
        }
        for character in SECRET.chars() {
            stream.push_str(&event(&character.to_string()));
        }
        let kept = said(&stream);
        assert_eq!((kept.bytes.len(), kept.cut), (TEXT_BYTES_MAX, Some(Cut::Bound)));
        let side = told::side(&kept, Kept::Redacted, Dialect::OpenAi, &clean);
        let text = side.text.unwrap();
        assert!(text.contains("word word"), "{}", text.len());
        assert!(!text.contains("AKI"));
        assert_eq!((side.cut, side.bytes), (Some(Cut::Bound), stream.len() as u64));
    }
}

#[test]
fn agp_d2_what_is_too_long_or_finds_no_room_is_said_to_be_cut() {
    let secrets = Secrets::new();
    let clean = Clean::new(&secrets);
    let long = format!("{{\"a\":\"{}é\"}}", "x".repeat(TEXT_BYTES_MAX - 7));
    for (kept, cut) in [(Kept::Full, Some(Cut::Bound)), (Kept::Redacted, Some(Cut::Bound))] {
        let side = whole(long.as_bytes(), kept, &clean);
        assert_eq!(side.cut, cut);
        let text = side.text.unwrap();
        assert!(text.len() <= TEXT_BYTES_MAX && text.len() > TEXT_BYTES_MAX - 4);
    }
    let longer = format!("\"{}\"", "x".repeat(READ_BYTES_MAX));
    let side = whole(longer.as_bytes(), Kept::Redacted, &clean);
    assert_eq!((side.text, side.cut), (None, Some(Cut::Bound)));
    let side = whole(b"{\"a\":\xff", Kept::Redacted, &clean);
    assert_eq!((side.text, side.cut), (None, Some(Cut::Unreadable)));
    let side = whole(b"{\"a\":\xff", Kept::Full, &clean);
    assert_eq!(
        (side.text.as_deref(), side.cut),
        (Some("{\"a\":"), Some(Cut::Unreadable))
    );
    let small = Room::new(GROWN_BYTES);
    let mut stream = Said::default();
    for _ in 0..GROWN_BYTES {
        stream.push(b"xy", 2, &small);
    }
    assert_eq!((stream.cut, stream.bytes.len()), (Some(Cut::Room), GROWN_BYTES));
    assert_eq!((stream.all, small.free()), (2 * GROWN_BYTES as u64, 0));
    drop(stream);
    assert_eq!(small.free(), GROWN_BYTES);
}
