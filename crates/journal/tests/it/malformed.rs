//! Attack 14: checkpoints that are malformed and rightly signed by the log's own key. Each row is a test, as
//! verifiers in use accept some of them; none is accepted here. The signatures are shown to be good first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Verifier as _;
use interlock_journal::checkpoint::{self, CheckpointFault};
use interlock_journal::note::{NAME_BYTES_MAX, NOTE_BYTES_MAX, NoteFault, TEXT_BYTES_MAX};

use crate::written::{ORIGIN, Written};

fn log() -> Written {
    Written::of(ORIGIN, 1, 700)
}

fn open(note: &[u8]) -> Result<(), CheckpointFault> {
    checkpoint::open(note, ORIGIN, &[log().signer.key()]).map(drop)
}

/// Signs a changed text, and sees it refused.
fn check(change: impl FnOnce(String) -> String, fault: CheckpointFault) {
    let log = log();
    let text = change(log.checkpoint().to_text());
    let note = log.signer.note(&text);
    let signature = log.signer.secret.sign_of(&text);
    log.signer
        .secret
        .verifying_key()
        .verify(text.as_bytes(), &signature)
        .unwrap();
    assert_eq!(open(&note), Err(fault), "{text:.300}");
}

/// Changes a note after it was signed, and sees it refused.
fn check_note(change: impl FnOnce(String) -> String, fault: NoteFault) {
    let note = change(String::from_utf8(log().note()).unwrap());
    assert_eq!(open(note.as_bytes()), Err(fault.into()), "{note:.300}");
}

trait SignOf {
    fn sign_of(&self, text: &str) -> ed25519_dalek::Signature;
}

impl SignOf for ed25519_dalek::SigningKey {
    fn sign_of(&self, text: &str) -> ed25519_dalek::Signature {
        ed25519_dalek::Signer::sign(self, text.as_bytes())
    }
}

fn size(to: &str) -> impl FnOnce(String) -> String {
    move |text| text.replacen("\n700\n", &format!("\n{to}\n"), 1)
}

fn root(change: impl FnOnce(&str) -> String) -> impl FnOnce(String) -> String {
    move |text| {
        let root = text.lines().nth(2).unwrap().to_owned();
        text.replacen(&root, &change(&root), 1)
    }
}

fn origin(to: &str) -> impl FnOnce(String) -> String {
    move |text| text.replacen(ORIGIN, to, 1)
}

fn other_log(found: &str) -> CheckpointFault {
    CheckpointFault::OtherLog {
        expected: ORIGIN.to_owned(),
        found: found.to_owned(),
    }
}

#[test]
fn attack_14_the_unchanged_checkpoint_is_accepted() {
    assert_eq!(open(&log().note()), Ok(()));
    let text = log().checkpoint().to_text();
    assert_eq!(open(&log().signer.note(&text)), Ok(()));
}

macro_rules! rows {
    ($($name:ident: $check:ident($change:expr, $fault:expr);)+) => {
        $(
            #[test]
            fn $name() {
                $check($change, $fault);
            }
        )+
    };
}

use CheckpointFault::{Lines, Note, Origin, Root, Size};

rows! {
    attack_14_size_with_a_leading_zero_is_refused: check(size("0700"), Size);
    attack_14_size_with_a_plus_is_refused: check(size("+700"), Size);
    attack_14_size_with_a_minus_is_refused: check(size("-700"), Size);
    attack_14_size_with_a_space_before_it_is_refused: check(size(" 700"), Size);
    attack_14_size_with_a_space_after_it_is_refused: check(size("700 "), Size);
    attack_14_size_with_an_underscore_is_refused: check(size("7_00"), Size);
    attack_14_size_in_hexadecimal_is_refused: check(size("0x2bc"), Size);
    attack_14_size_as_a_fraction_is_refused: check(size("700.0"), Size);
    attack_14_size_in_other_digits_is_refused: check(size("\u{667}\u{660}\u{660}"), Size);
    attack_14_size_that_is_empty_is_refused: check(size(""), Size);
    attack_14_size_as_two_zeros_is_refused: check(size("00"), Size);
    attack_14_size_of_2_to_63_is_refused: check(size("9223372036854775808"), Size);
    attack_14_size_above_2_to_64_is_refused: check(size("18446744073709552316"), Size);
    attack_14_size_of_a_thousand_digits_is_refused: check(size(&"7".repeat(1000)), Size);
    attack_14_size_0_with_the_root_of_a_tree_is_refused: check(size("0"), Root);
    attack_14_root_of_31_bytes_is_refused: check(root(|_| STANDARD.encode([7; 31])), Root);
    attack_14_root_of_33_bytes_is_refused: check(root(|_| STANDARD.encode([7; 33])), Root);
    attack_14_root_that_is_empty_is_refused: check(root(|_| String::new()), Root);
    attack_14_root_with_trailing_bits_is_refused: check(root(trailing_bits), Root);
    attack_14_root_without_padding_is_refused: check(root(|r| r[..43].to_owned()), Root);
    attack_14_root_with_more_padding_is_refused: check(root(|r| format!("{r}=")), Root);
    attack_14_root_in_the_alphabet_of_addresses_is_refused: check(root(|_| format!("{}=", "_".repeat(43))), Root);
    attack_14_root_in_hexadecimal_is_refused: check(root(|_| "ab".repeat(32)), Root);
    attack_14_root_with_a_space_is_refused: check(root(|r| format!("{r} ")), Root);
    attack_14_extension_line_is_refused: check(|text| text + "extension\n", Lines);
    attack_14_empty_extension_line_is_refused: check(|text| text + "\n", Lines);
    attack_14_missing_root_is_refused: check(|text| text.lines().take(2).map(|l| format!("{l}\n")).collect(), Lines);
    attack_14_empty_first_line_is_refused: check(|text| format!("\n{text}"), Lines);
    attack_14_empty_origin_is_refused: check(origin(""), Origin);
    attack_14_origin_of_another_log_is_refused: check(origin("log.example/other"), other_log("log.example/other"));
    attack_14_origin_in_another_case_is_refused: check(origin("Log.example/tenant"), other_log("Log.example/tenant"));
    attack_14_origin_with_a_slash_more_is_refused: check(origin("log.example/tenant/"), other_log("log.example/tenant/"));
    attack_14_origin_with_a_space_is_refused: check(origin("log.example/tenant "), Origin);
    attack_14_origin_with_a_space_of_no_width_of_ascii_is_refused: check(origin("log.example/tenant\u{2003}"), Origin);
    attack_14_origin_with_a_plus_is_refused: check(origin("log.example/tenant+"), Origin);
    attack_14_origin_with_a_delete_character_is_refused: check(origin("log.example/tenant\u{7f}"), Origin);
    attack_14_origin_that_is_too_long_is_refused: check(origin(&"o".repeat(NAME_BYTES_MAX + 1)), Origin);
    attack_14_carriage_returns_are_refused: check(|text| text.replace('\n', "\r\n"), Note(NoteFault::Characters));
    attack_14_tab_is_refused: check(|text| text.replacen("700", "\t700", 1), Note(NoteFault::Characters));
    attack_14_zero_byte_is_refused: check(|text| text.replacen("700", "700\0", 1), Note(NoteFault::Characters));
    attack_14_byte_order_mark_is_refused: check(|text| format!("\u{feff}{text}"), other_log("\u{feff}log.example/tenant"));
    attack_14_text_that_is_too_long_is_refused: check(origin(&"o".repeat(TEXT_BYTES_MAX)), Note(NoteFault::Bytes(TEXT_BYTES_MAX + 50)));

    attack_14_duplicate_signature_line_is_refused: check_note(double_line, NoteFault::Repeated(ORIGIN.to_owned()));
    attack_14_signature_with_trailing_bits_is_refused: check_note(signature_bits, NoteFault::Line(1));
    attack_14_signature_without_padding_is_refused: check_note(|note| note.strip_suffix("=\n").unwrap().to_owned() + "\n", NoteFault::Line(1));
    attack_14_signature_line_with_a_hyphen_is_refused: check_note(|note| note.replace('\u{2014}', "-"), NoteFault::Line(1));
    attack_14_signature_line_with_two_spaces_is_refused: check_note(|note| note.replace("tenant ", "tenant  "), NoteFault::Line(1));
    attack_14_signature_line_with_a_space_after_it_is_refused: check_note(|note| note[..note.len() - 1].to_owned() + " \n", NoteFault::Line(1));
    attack_14_signature_line_without_a_name_is_refused: check_note(|note| note.replace("\u{2014} log.example/tenant", "\u{2014} "), NoteFault::Line(1));
    attack_14_signature_of_no_bytes_is_refused: check_note(|note| format!("{note}\u{2014} stranger AAAAAA==\n"), NoteFault::Line(2));
    attack_14_line_that_is_no_signature_is_refused: check_note(|note| format!("{note}more\n"), NoteFault::Line(2));
    attack_14_missing_line_break_at_the_end_is_refused: check_note(|note| note[..note.len() - 1].to_owned(), NoteFault::Shape);
    attack_14_missing_empty_line_is_refused: check_note(|note| note.replace("\n\n", "\n"), NoteFault::Shape);
    attack_14_note_without_signatures_is_refused: check_note(|note| note.split_once("\n\n").unwrap().0.to_owned() + "\n\n", NoteFault::Shape);
    attack_14_bytes_after_the_signatures_are_refused: check_note(|note| note + "\n", NoteFault::Shape);
    attack_14_carriage_return_in_the_signature_line_is_refused: check_note(|note| note[..note.len() - 1].to_owned() + "\r\n", NoteFault::Characters);
    attack_14_note_that_is_too_long_is_refused: check_note(|note| note + &"x".repeat(NOTE_BYTES_MAX), NoteFault::Bytes(NOTE_BYTES_MAX + log().note().len()));
    attack_14_empty_note_is_refused: check_note(|_| String::new(), NoteFault::Shape);
}

#[test]
fn attack_14_bytes_that_are_not_text_are_refused() {
    let mut note = log().note();
    note[0] = 0xff;
    assert_eq!(open(&note), Err(Note(NoteFault::Characters)));
}

/// The same 32 bytes, with the bits that base64 has too many set.
fn trailing_bits(root: &str) -> String {
    let last = root.as_bytes()[42];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let place = alphabet.iter().position(|b| *b == last).unwrap();
    assert_eq!(place % 4, 0, "canonical base64 ends in zero bits");
    format!("{}{}=", &root[..42], char::from(alphabet[place + 1]))
}

/// 68 bytes of a signature line end in one `=`, as the 32 of a root do.
fn signature_bits(note: String) -> String {
    let (text, line) = note.trim_end().rsplit_once('\n').unwrap();
    let (name, encoded) = line.rsplit_once(' ').unwrap();
    assert!(encoded.len() == 92 && encoded.ends_with('='));
    format!(
        "{text}\n{name} {}{}\n",
        &encoded[..48],
        trailing_bits(&encoded[48..])
    )
}

fn double_line(note: String) -> String {
    let line = note.lines().last().unwrap().to_owned();
    format!("{note}{line}\n")
}
