//! Passwords that stand in a plan file are not shown with its lines.
//!
//! Two readers look for them, and what either finds is hidden: one takes the tree that the parser
//! makes of the file, with names as TOML has them (`tree`); the other takes the lines as a person
//! reads them (`lines`, `value`), for what cannot be parsed is shown too.

mod lines;
mod tree;
mod value;
mod word;

/// A line of a plan file is shorter. A longer one is hidden whole, and no parser is asked about it.
const LONGEST_LINE: usize = 16 << 10;

/// `text`, with what looks like a password replaced by `*`, byte for byte.
///
/// What counts is the name of the key, also when it is misspelt; hidden is rather too much than
/// too little. A text in which no line is one of a plan file may be a password file, or a key, that
/// was named by mistake: nothing of it is shown.
pub(super) fn mask_passwords(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut found = lines::secrets(text);
    let mut parsed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare.len() > LONGEST_LINE {
            found.push(parsed.len()..parsed.len() + bare.len());
            parsed.push_str(&" ".repeat(bare.len()));
            parsed.push_str(&line[bare.len()..]);
        } else {
            parsed.push_str(line);
        }
    }
    found.extend(tree::secrets(&parsed));
    for secret in found {
        bytes[secret]
            .iter_mut()
            .filter(|byte| !matches!(byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b'*');
    }
    // Whole characters were replaced, so this is text again; if not, nothing is shown.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::mask_passwords;
    use proptest::prelude::*;

    #[test]
    fn a_password_is_hidden_however_it_is_written() {
        for (text, shown) in [
            (
                "password = \"hunter2\"\nport = 1",
                "password = \"*******\"\nport = 1",
            ),
            ("password='hunter2' # why", "password='*******' # why"),
            ("\"password\" = \"hunter2\"", "\"password\" = \"*******\""),
            ("pasword = \"hunter2\"", "pasword = \"*******\""),
            ("Passwd = \"hunter2\"", "Passwd = \"*******\""),
            ("password = hunter2\nx", "password = *******\nx"),
            ("password = \"hunter2\nport", "password = \"*******\nport"),
            (r#"password = "hun\"ter2" # x"#, r#"password = "*********" # x"#),
            (
                "password = \"\"\"hun\nter2\"\"\"\nx",
                "password = \"\"\"***\n****\"\"\"\nx",
            ),
            (
                "d = { name = \"a\", password = \"hunter2\" }",
                "d = { name = \"a\", password = \"*******\" }",
            ),
            (
                "password = { text = \"hunter2\" }",
                "password = { text = \"*******\" }",
            ),
            ("password.text = \"hunter2\"", "password.text = \"*******\""),
            ("password = [\"hun\", 'ter2']", "password = [\"***\", '****']"),
            ("password = \"größe\"", "password = \"*******\""),
            ("password: \"hunter2\"", "password: \"*******\""),
            ("password: hunter2", "password: *******"),
            ("a = 1\n  password \"hunter2\"", "a = 1\n  password *********"),
            (
                "port = 1\npassword =\n  \"hunter2\"\n",
                "port = 1\npassword =\n  \"*******\"\n",
            ),
            // No line of it is one of a plan file.
            ("password =\n  \"hunter2\"\n", "**********\n***********\n"),
        ] {
            assert_eq!(mask_passwords(text), shown);
        }
    }

    #[test]
    fn nothing_of_a_password_is_left_wherever_it_stands_and_whatever_is_wrong_with_it() {
        for text in [
            // Below a heading, over several lines, under a name with an escape.
            "[[device]]\nname = \"a\"\n[device.password]\ntext = \"CANARY\"\n",
            "[device.password\ntext = \"CANARY\"\n",
            "[device.password]\nCANARY\n",
            "[device.password]\n\"CANARY\"\n",
            "[device.password]\ntext \"CANARY\"\nx = 1",
            "[[notify.webhook]]\n[notify.webhook.url]\naddress = \"https://x/CANARY\"\n",
            "password = {\n  text = \"CANARY\",\n}\n",
            "password = {\n  env = \"A\",\n  text = \"CANARY\"\n}\nport = 1",
            "password = { env = \"a}\", text = \"CANARY\" }",
            "password = { a = { b = \"CANARY\" } }",
            "password = { a = [\"x\", \"CANARY\"] }",
            "password = { CANARY }",
            "password = { \"CANARY\" }",
            "password = { text: \"CANARY\" }",
            "password = { env = \"CANARY is no name\" }",
            "\"pass\\u0077ord\" = \"CANARY\"",
            "password = [[\"CANARY\"]]",
            "password = [\n  [\"CANARY\"]\n]\n",
            "password = [ CANARY ]",
            "password = [\n  CANARY,\n]",
            // Quotes, line ends and signs within it.
            "password = \"hun\"CANARY\"",
            "password = \"hun\" CANARY",
            "password = \"hun\", CANARY\"",
            "password = 'hun'CANARY'",
            "password = \"hun\"#CANARY\"",
            "d = { name = \"a\", password = \"hun\", CANARY\" }",
            "password = \"\"\"hun\"\"\"CANARY",
            "password = \"hun\nCANARY\"\nport = 1",
            "password = \"hun\nCANARY\nCANARY\"\n[settings]",
            "password = 'hun\r\nCANARY'\r\n",
            "password = hun#CANARY",
            "password = hun,CANARY",
            "password = hun}CANARY",
            "password = {hun}CANARY}",
            "d = { password = hun,CANARY }",
            "password = “CANARY”",
            // Without a sign, with another one, or on the next line.
            "a = 1\npassword CANARY\n",
            "a = 1\npassword hunter=CANARY\n",
            "a = 1\npassword hun\"CANARY\"\n",
            "a = 1\n\"password\" CANARY\n",
            "a = 1\nset password CANARY\n",
            "a = 1\n--password CANARY\n",
            "export QA1_PASSWORD=CANARY",
            "password := \"CANARY\"",
            "password => \"CANARY\"",
            "password =\nCANARY\nport = 1",
            "password = |\n  CANARY\n  CANARY\nport = 1",
            "password: >-\n  CANARY\nport: 1",
            "password = \\\nCANARY\n",
            // In an address.
            "host = \"https://admin:CANARY@a\"",
            "store = \"smb://u:CANARY@nas/share\"",
            "host = \"admin:hun@CANARY@a\"",
            "webhook = \"https://hooks.example.com/services/CANARY\"",
            "ping = \"https://hc.example.com/CANARY\"\nname = \"P\"",
            "a = 1\nwebhook https://hooks.example.com?CANARY\n",
            // A file that is no plan file: one of passwords, or a key.
            "CANARY\n",
            "CANARY==\n",
            "-----BEGIN PRIVATE KEY-----\nCANARY\nCANARY==\n-----END PRIVATE KEY-----\n",
        ] {
            let shown = mask_passwords(text);
            assert!(!shown.contains("CANARY"), "{text}\n{shown}");
            assert_eq!(shown.len(), text.len());
        }
    }

    #[test]
    fn what_stands_beside_a_password_is_shown() {
        for text in [
            "password = {\n  env = \"A\"\n}\nport = 5550\nhost = \"a\"",
            "[device.password]\nenv = \"QA1_PASSWORD\"\n[[plan]]\nname = \"P\"",
            "password = {\n  command = [\n    \"vault\",\n    \"read\"\n  ]\n}\nport = 1",
            "d = { password = { file = \"f\" }, port = 1 }",
            "[[device]]\nname = \"QA1\"\nhsot = \"a\"",
        ] {
            assert_eq!(mask_passwords(text), text);
        }
        for (text, shown) in [
            ("password = \"x\nport = 5550\n", "password = \"*\nport = 5550\n"),
            ("password = \"x\n[settings]\n", "password = \"*\n[settings]\n"),
            (
                "d = { password = \"x\", port = 1 }",
                "d = { password = \"*\", port = 1 }",
            ),
        ] {
            assert_eq!(mask_passwords(text), shown);
        }
    }

    #[test]
    fn what_says_only_where_a_password_is_stays() {
        for text in [
            "password = { env = \"QA1_PASSWORD\" }",
            "password = { command = [\"pass\", \"qa1\"] }",
            "password.file = \"secrets/qa1\"",
            "username = \"backup\"\nhost = \"a\"",
            "keep_hourly = 24\nname = \"P\"",
            "host = \"https://qa1.example.com:5550\"\nname = \"P\"",
            "name = \"password\"\ndescription = \"the password of it\"",
            "",
        ] {
            assert_eq!(mask_passwords(text), text);
        }
    }

    #[test]
    fn one_endless_line_takes_no_time() {
        for piece in [
            "'",
            "\"",
            "=",
            "password=",
            "a:",
            "{=",
            "[\"",
            "password={",
            "password={}",
            "password=[",
            "password=\"\"\"",
            "password={a,",
            "password={a=\"\",",
            "{password=\"\",a=",
            "password=\"\"#",
            "password a ",
        ] {
            let text = piece.repeat(50_000);
            assert_eq!(mask_passwords(&text).len(), text.len());
        }
        for piece in ["password={\n", "password=\"\n", "password=[\n\"", "[password]\n"] {
            let text = piece.repeat(2_000);
            assert_eq!(mask_passwords(&text).len(), text.len());
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(text in "(password|text|env|[a={}\\[\\]'\"\\\\,.:# \nßx]){0,40}") {
            let shown = mask_passwords(&text);
            prop_assert_eq!(shown.len(), text.len());
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
