//! The scripts that make an included file of an inventory, on the samples beside them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Home, Ran, names, not_tested_here};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/inventory")
}

/// Whether the scripts can be run; if not, says aloud that they were not.
fn is_python_here() -> bool {
    let is_here = Command::new("python3").arg("--version").output().is_ok();
    if !is_here {
        not_tested_here("the scripts of examples/inventory, for there is no python3");
    }
    is_here
}

/// Runs a script in the folder of the samples.
fn script(name: &str, arguments: &[&str]) -> Ran {
    let output = Command::new("python3")
        // Nothing is left beside the scripts.
        .arg("-B")
        .arg(folder().join(name))
        .args(arguments)
        .current_dir(folder().join("samples"))
        .stdin(Stdio::null())
        .output();
    Ran::of(output.expect("python3 is there"))
}

#[test]
fn an_inventory_gives_the_same_devices_in_each_of_its_forms() {
    if !is_python_here() {
        return;
    }
    let group = ["--group", "datapower"];
    let tables = |file: &str| {
        let printed = script("from_ansible.py", &[&[file], group.as_slice()].concat())
            .exits(0)
            .stdout;
        printed.split_once('\n').expect("a comment").1.to_owned()
    };
    let ini = tables("hosts.ini");
    insta::assert_snapshot!(ini);
    assert_eq!(tables("hosts.yml"), ini);
    assert_eq!(tables("list.json"), ini);
    // Without a group everything in it is one.
    let all = script("from_ansible.py", &["hosts.ini"]).exits(0).stdout;
    assert!(
        all.contains("name = \"www1\"") && all.contains("name = \"jump.example.com\""),
        "{all}"
    );
}

#[test]
fn a_csv_file_and_the_answers_of_two_databases_give_their_devices() {
    if !is_python_here() {
        return;
    }
    let csv = script(
        "from_csv.py",
        &["gateways.csv", "--column", "host=ip_address", "--tags", "site"],
    )
    .exits(0);
    let netbox = [
        "netbox.json",
        "--tags",
        "tags.slug",
        "--tags",
        "site.slug",
        "--only",
        "status.value=active",
    ];
    let netbox = script("from_cmdb.py", &netbox).exits(0);
    let servicenow = script(
        "from_cmdb.py",
        &["servicenow.json", "--tags", "u_environment", "--tag", "all"],
    )
    .exits(0);
    insta::assert_snapshot!([csv.stdout, netbox.stdout, servicenow.stdout].join("\n"));
}

#[test]
fn what_a_script_writes_is_included_and_found_by_its_tags() {
    if !is_python_here() {
        return;
    }
    let home = Home::new();
    fs::create_dir(home.path("devices.d")).expect("a folder");
    let plans = "include = [\"devices.d/*.toml\"]\n[settings]\nstore = \"store\"\nhistory = \"h.db\"\n[device_defaults]\n\
                 username = \"backup\"\npassword = { env = \"P\" }\ntls = { verify = false }\n[[plan]]\nname = \"Night\"\n\
                 [[plan.activity]]\naction = \"export-domain\"\ndevices = \"@qa, @prod, @rome, @milan\"\ndomains = \"*\"\n";
    fs::write(home.path("fleet.toml"), plans).expect("a plan file");
    let out = home.path("devices.d/devices.toml");
    let out = out.to_string_lossy();
    for (name, arguments, devices) in [
        ("from_ansible.py", vec!["hosts.yml", "--group", "datapower"], 5),
        (
            "from_csv.py",
            vec!["gateways.csv", "--column", "host=ip_address"],
            3,
        ),
        (
            "from_cmdb.py",
            vec![
                "netbox.json",
                "--tags",
                "tags.slug",
                "--only",
                "status.value=active",
            ],
            3,
        ),
    ] {
        let _ = script(name, &[arguments.as_slice(), &["--out", &out]].concat()).exits(0);
        let ran = home.dpbackup(&["validate", "fleet.toml", "-v"]).exits(0);
        let expected = format!("with 1 included file is valid: {devices} devices");
        assert!(ran.stdout.contains(&expected), "{name}: {}", ran.stdout);
        assert!(ran.stdout.contains("spare1 (spare"), "{name}: {}", ran.stdout);
        assert_eq!(
            names(&home.path("devices.d")),
            ["devices.toml"],
            "nothing is left beside it"
        );
        let mode = fs::metadata(home.path("devices.d/devices.toml"))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644);
    }
}

#[test]
fn what_cannot_be_a_list_of_devices_is_refused_and_the_file_of_yesterday_stays() {
    if !is_python_here() {
        return;
    }
    let home = Home::new();
    let out = home.path("out.toml");
    fs::write(&out, "# of yesterday\n").expect("a file");
    let write = |name: &str, text: &str| {
        let path = home.path(name);
        fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let cases = [
        (
            "from_csv.py",
            write("empty.csv", "name,host\n"),
            "has no device: an empty answer",
        ),
        (
            "from_csv.py",
            write("twice.csv", "name,host\nA,a\nA,b\n"),
            "two devices are named 'A'",
        ),
        (
            "from_csv.py",
            write("blank.csv", "name,host\nA B,a\n"),
            "'A B' cannot be the name of a device",
        ),
        (
            "from_csv.py",
            write("host.csv", "name,host\nA,https://a/\n"),
            "'https://a/' is not a host name",
        ),
        (
            "from_csv.py",
            write("port.csv", "name,host,port\nA,a,555500\n"),
            "'555500' is not a port",
        ),
        (
            "from_csv.py",
            write("role.csv", "name,host,role\nA,a,standby\n"),
            "the role 'standby' is not known",
        ),
        (
            "from_csv.py",
            write("column.csv", "name,ip\nA,a\n"),
            "has no column 'host': there are name, ip",
        ),
        (
            "from_cmdb.py",
            write("page.json", "{\"next\": \"x\", \"results\": []}"),
            "is one page of several",
        ),
        (
            "from_cmdb.py",
            write("error.json", "{\"detail\": \"no\"}"),
            "holds no list of records",
        ),
        ("from_cmdb.py", write("html.json", "<html>"), "Expecting value"),
        (
            "from_cmdb.py",
            write("nohost.json", "[{\"name\": \"A\"}]"),
            "A: '' is not a host name",
        ),
        (
            "from_ansible.py",
            write("list.yml", "all:\n  hosts:\n    - A\n"),
            "line 3: '- A' is more than simple YAML",
        ),
        (
            "from_ansible.py",
            write("anchor.yml", "all:\n  vars: &x\n"),
            "line 2: '&x' is more than simple YAML",
        ),
        (
            "from_ansible.py",
            write(
                "jinja.yml",
                "all:\n  hosts:\n    A:\n      ansible_host: {{ x }}\n",
            ),
            "line 4:",
        ),
        (
            "from_ansible.py",
            write("key.yml", "all:\n  host:\n    A:\n"),
            "'host' is none of hosts, vars and children",
        ),
        (
            "from_ansible.py",
            write("odd.ini", "[a:others]\nx\n"),
            "[a:others] is not understood",
        ),
        ("from_ansible.py", "not-there.ini".to_owned(), "No such file"),
    ];
    for (name, file, said) in cases {
        let ran = script(name, &[&file, "--out", &out.to_string_lossy()]).exits(2);
        assert!(ran.stderr.contains(said), "{file}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{file}: {}", ran.stderr);
        assert_eq!(
            fs::read_to_string(&out).expect("the file"),
            "# of yesterday\n",
            "{file}"
        );
    }
    let ran = script("from_ansible.py", &["hosts.ini", "--group", "datapowr"]).exits(2);
    assert!(
        ran.stderr
            .contains("there is no group 'datapowr': there are datapower, milan"),
        "{}",
        ran.stderr
    );
    // Whoever means it may have an empty file.
    let empty = home.path("empty.csv");
    let _ = script(
        "from_csv.py",
        &[
            &empty.to_string_lossy(),
            "--allow-empty",
            "--out",
            &out.to_string_lossy(),
        ],
    )
    .exits(0);
    assert!(
        fs::read_to_string(&out)
            .expect("the file")
            .starts_with("# Written from ")
    );
}
