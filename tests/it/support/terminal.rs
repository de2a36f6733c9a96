//! The binary at a terminal while it runs: what stands there, and keys that are pressed.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::Home;

/// A terminal in which the binary runs. It is closed when the test ends before it.
pub(crate) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Home {
    /// Starts the binary at a terminal of so many columns.
    pub(crate) fn in_terminal(
        &self,
        columns: u16,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Terminal {
        Terminal::of(self.terminal_command(columns, environment, arguments))
    }

    /// The same where the shell leads its output elsewhere: ` > FILE`.
    pub(crate) fn in_terminal_but(&self, redirected: &str, arguments: &[&str]) -> Terminal {
        Terminal::of(self.redirected_command(200, &[], arguments, redirected))
    }

    /// Starts the binary in the background of a terminal that stops who writes from there; `then` is what its shell
    /// does meanwhile.
    pub(crate) fn in_background(&self, arguments: &[&str], then: &str) -> Terminal {
        Terminal::of(
            self.shell_command(&[("SHELL", "/bin/bash")], arguments, &|words| {
                format!("set -m; stty tostop; {words} & {then}")
            }),
        )
    }
}

impl Terminal {
    fn of(mut command: Command) -> Terminal {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a terminal");
        let mut stdout = child.stdout.take().expect("it is piped");
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let reader = {
            let written = Arc::clone(&written);
            std::thread::spawn(move || {
                let mut some = [0; 4096];
                while let Ok(count @ 1..) = stdout.read(&mut some) {
                    let mut written = written.lock().expect("no panic with the lock");
                    written.extend_from_slice(&some[..count]);
                }
            })
        };
        Terminal {
            keys: child.stdin.take(),
            child,
            written,
            reader: Some(reader),
        }
    }

    /// All that was written to it so far, with what moves the cursor.
    pub(crate) fn written(&self) -> String {
        let written = self.written.lock().expect("no panic with the lock");
        String::from_utf8_lossy(&written).into_owned()
    }

    /// The lines that stand on it now.
    pub(crate) fn lines(&self) -> Vec<String> {
        standing(&self.written())
    }

    /// Waits until a line with these words stands on it, and gives it.
    #[track_caller]
    pub(crate) fn shows(&self, words: &str) -> String {
        let given_up = Instant::now() + Duration::from_secs(60);
        loop {
            let has_ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            assert!(
                !has_ended && Instant::now() < given_up,
                "{words:?} does not stand there: {lines:#?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses a key: `\u{3}` is `^C`.
    pub(crate) fn press(&mut self, key: char) {
        let keys = self.keys.as_mut().expect("it is open");
        write!(keys, "{key}").and_then(|()| keys.flush()).expect("a key");
    }

    /// Waits for the end: the exit code, and what stands on it then.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().expect("its end").code();
        drop(self.keys.take());
        self.reader.take().expect("it reads").join().expect("no panic");
        (code, self.lines())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that stand on a terminal after this was written to it: what moves the cursor and
/// clears lines is done, colours are left out.
pub(crate) fn standing(written: &str) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut characters = written.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => {
                (row, column) = (row + 1, 0);
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                let mut number = String::new();
                while let Some(digit) = characters.next_if(|c| c.is_ascii_digit() || "?;".contains(*c)) {
                    number.push(digit);
                }
                let count: usize = number.parse().unwrap_or(1);
                match characters.next() {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row = (row + count).min(lines.len() - 1),
                    Some('K') if number == "2" => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    _ => {}
                }
            }
            character if character.is_control() => {}
            character => {
                let line = &mut lines[row];
                if line.len() <= column {
                    line.resize(column + 1, ' ');
                }
                line[column] = character;
                column += 1;
            }
        }
    }
    let lines = lines.into_iter().map(|line| line.into_iter().collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn what_moves_the_cursor_is_done_and_what_was_cleared_does_not_stand() {
    let written = "one\r\n\u{1b}[32mok\u{1b}[0m\r\nmoving\r\u{1b}[2Kabove\r\nnew\r\u{1b}[1Ab\r\n";
    assert_eq!(standing(written), ["one", "ok", "bbove", "new"]);
}
