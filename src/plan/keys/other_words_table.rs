//! Keys as other programs have them, beside what is meant by each here.

use Meant::{Advice, Kept, Key};

/// What is meant by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// This key of the same table.
    Key(&'static str),
    /// This, in words.
    Advice(&'static str),
    /// What is kept, in the table for that, and where it stands.
    Kept(&'static str),
}

const NO_SCHEDULE: &str = "leave it out: it runs once and ends; cron, a systemd timer or a CronJob start it, see docs/operations.md";

const NO_PROXY: &str = "leave it out: a gateway is asked itself, without a proxy";

const STORED_AS_GIVEN: &str = "compress compression encrypt encryption gzip gpg";

const AS_GIVEN: &str =
    "leave it out: what a gateway gives is stored as it is; it encrypts secure backups itself";

/// What wrong keys mean, by the heading of the table: words with blanks between them, and what
/// is meant by each.
pub(super) const OTHER_WORDS: &[(&str, &[(&str, Meant)])] = &[
    (
        "the plan file",
        &[
            (
                "devices gateway gateways host hosts appliance appliances",
                Advice("write [[device]], once for each"),
            ),
            (
                "plans backup backups job jobs",
                Advice("write [[plan]], once for each"),
            ),
            (
                "activity activities plan_activity plan_activities plans_activity",
                Advice("write [[plan.activity]], below its [[plan]]"),
            ),
            (
                "setting global config general options",
                Advice("write [settings]"),
            ),
            (
                "defaults default device_default devices_defaults device_settings common",
                Advice("write [device_defaults] for devices, [settings] for the rest"),
            ),
            (
                "tag tags group groups label labels",
                Advice("write `tags = [\"prod\"]` under each [[device]]"),
            ),
            (
                "includes included include_files include_dir import imports files devices_d",
                Key("include"),
            ),
            (
                "spare spares",
                Advice("write `role = \"spare\"` under the [[device]]"),
            ),
            (
                "notification notifications alerts alerting mail email",
                Advice("write [notify], or [notify.email]"),
            ),
            ("timeouts", Advice("write [settings.timeouts]")),
            ("webhook webhooks slack teams", Advice("write [[notify.webhook]]")),
            ("syslog", Advice("write [notify.syslog]")),
            (
                "ping pings healthcheck healthchecks",
                Advice("write [notify.ping]"),
            ),
            ("metrics prometheus", Advice("write [notify.metrics]")),
            ("schedule cron", Advice(NO_SCHEDULE)),
        ],
    ),
    (
        "[settings]",
        &[
            ("proxy http_proxy https_proxy", Advice(NO_PROXY)),
            (
                "destination dest path dir directory folder target backup_dir backup_path backup_folder storage location output output_dir root repository repo",
                Key("store"),
            ),
            (
                "history_file history_db database db state state_dir",
                Key("history"),
            ),
            ("enabled enable active", Key("backups_enabled")),
            (
                "min_free min_free_space min_space free_space",
                Key("min_free_store"),
            ),
            (
                "timeout connect_timeout request_timeout read_timeout",
                Advice("write `timeouts = { connect = \"10s\", request = \"60s\" }`"),
            ),
            ("retry max_retries attempts tries", Key("retries")),
            ("window maintenance_window time_window", Key("default_window")),
            (
                "keep keep_days keep_last keep_daily keep_weekly keep_monthly keep_within max_age max_backups rotate rotation \
                 prune retention_days days versions copies generations delete_after expire retain",
                Kept(""),
            ),
            (
                "scripts script_dir scripts_folder hooks hooks_dir",
                Key("scripts_dir"),
            ),
            (
                "skip_unchanged dedup deduplicate incremental",
                Advice("write `on_unchanged = \"skip\"`"),
            ),
            ("mount must_be_mounted require_mounted", Key("require_mount")),
            ("schedule cron interval", Advice(NO_SCHEDULE)),
            (
                "parallel jobs concurrency threads max_parallel",
                Advice("leave it out: tasks run one after another"),
            ),
            (STORED_AS_GIVEN, Advice(AS_GIVEN)),
            (
                "timezone tz time_zone zone",
                Advice(
                    "write it in the window: `default_window = { start = \"…\", end = \"…\", time_zone = \"…\" }`",
                ),
            ),
            (
                "log log_file logging log_level",
                Advice(
                    "leave it out: the history has what was done; `syslog = true` of a plan tells the system log",
                ),
            ),
            (
                "notify notification notifications email mail syslog",
                Advice("it stands beside [settings], not in it: write [notify], or [notify.email]"),
            ),
            (
                "username user password",
                Advice("the account stands under each [[device]], or once for all under [device_defaults]"),
            ),
        ],
    ),
    (
        "a maintenance window",
        &[
            ("from begin open opens begins", Key("start")),
            ("to until close closes stop finish", Key("end")),
            ("timezone tz zone", Key("time_zone")),
            (
                "days day weekday weekdays dow",
                Advice(
                    "leave it out: a window is one of every day; on which days a plan runs, cron or the timer says",
                ),
            ),
            (
                "duration length hours",
                Advice("write when it closes: `end = \"06:30\"`"),
            ),
        ],
    ),
    (
        "a retention table",
        &[
            ("keep_days days daily day", Key("keep_daily")),
            ("keep_weeks weeks weekly week", Key("keep_weekly")),
            ("keep_months months monthly month", Key("keep_monthly")),
            (
                "last count keep max number keep_count copies keep_latest generations versions newest",
                Key("keep_last"),
            ),
            (
                "within max_age older_than age keep_for keep_newer period",
                Key("keep_within"),
            ),
            (
                "keep_yearly yearly keep_years years",
                Advice(
                    "there is none for years: `keep_monthly = 120` keeps a backup of each month of ten years",
                ),
            ),
            (
                "keep_hourly hourly keep_hours hours",
                Advice("there is none for hours: `keep_within = \"2d\"` keeps all of two days"),
            ),
            (
                "keep_tags keep_all all",
                Advice("leave `retention` out: then nothing is ever removed"),
            ),
        ],
    ),
    (
        "[[device]]",
        &[
            (
                "device_pattern devices",
                Advice("which devices are backed up stands in a plan: `devices` of a [[plan.activity]]"),
            ),
            ("proxy http_proxy https_proxy", Advice(NO_PROXY)),
            (
                "hostname address ip ip_address addr url server endpoint fqdn uri",
                Key("host"),
            ),
            ("user login account user_name", Key("username")),
            ("pass passwd pwd secret passphrase", Key("password")),
            (
                "password_file passwordfile pass_file",
                Advice("write `password = { file = \"…\" }`"),
            ),
            (
                "password_env password_var password_variable env",
                Advice("write `password = { env = \"…\" }`"),
            ),
            (
                "password_command password_cmd command",
                Advice("write `password = { command = [\"…\"] }`"),
            ),
            (
                "credential credentials",
                Advice("write `password = { credential = \"…\" }`"),
            ),
            (
                "ca_file ca cacert cafile ca_cert cert certificate",
                Advice("write `tls = { ca_file = \"…\" }`"),
            ),
            (
                "pin_sha256 pin fingerprint sha256 thumbprint",
                Advice("write `tls = { pin_sha256 = \"…\" }`, as `dpbackup trust DEVICE` prints it"),
            ),
            (
                "verify verify_tls tls_verify verify_ssl insecure skip_verify ssl_verify check_certificate validate_certs verify_certs verify_certificate",
                Advice(
                    "write `tls = { verify = false }`, or better the pin that `dpbackup trust DEVICE` prints",
                ),
            ),
            ("ssl trust https", Key("tls")),
            (
                "use_ssl use_tls use_https protocol scheme",
                Advice("leave it out: it is always https; how the certificate is trusted says `tls`"),
            ),
            (
                "soma_port xml_port mgmt_port management_port xmi_port",
                Key("port"),
            ),
            ("id device alias", Key("name")),
            ("tag group groups label labels", Key("tags")),
            (
                "spare standby is_spare rehearsal",
                Advice("write `role = \"spare\"`"),
            ),
            (
                "domain domains",
                Advice("which domains are backed up stands in a plan: `domains` of a [[plan.activity]]"),
            ),
            (
                "enabled disabled active",
                Advice(
                    "a device that no plan names is not backed up; `devices = \"*, !NAME\"` leaves one out",
                ),
            ),
            (
                "timeout connect_timeout request_timeout read_timeout",
                Advice("write `timeouts = { request = \"60s\" }`, or [settings.timeouts] for all"),
            ),
            ("retries retry", Advice("write `retries` under [settings]")),
            (
                "secure_backup secure export backup action",
                Advice(
                    "what is backed up stands in a plan: `action = \"secure-backup\"` of a [[plan.activity]]",
                ),
            ),
            (
                "description comment note notes desc",
                Advice("write a comment: a line that begins with #"),
            ),
        ],
    ),
    (
        "[device_defaults]",
        &[
            ("user login account user_name", Key("username")),
            ("pass passwd pwd secret passphrase", Key("password")),
            (
                "password_file passwordfile pass_file",
                Advice("write `password = { file = \"…\" }`"),
            ),
            (
                "password_env password_var password_variable env",
                Advice("write `password = { env = \"…\" }`"),
            ),
            (
                "password_command password_cmd command",
                Advice("write `password = { command = [\"…\"] }`"),
            ),
            (
                "ca_file ca cacert cafile ca_cert cert certificate",
                Advice("write `tls = { ca_file = \"…\" }`"),
            ),
            (
                "verify verify_tls tls_verify verify_ssl insecure skip_verify ssl_verify check_certificate validate_certs verify_certs verify_certificate",
                Advice("write `tls = { verify = false }`, which trusts anybody"),
            ),
            ("ssl trust https", Key("tls")),
            (
                "use_ssl use_tls use_https protocol scheme",
                Advice("leave it out: it is always https; how the certificate is trusted says `tls`"),
            ),
            (
                "soma_port xml_port mgmt_port management_port xmi_port",
                Key("port"),
            ),
            ("tag group groups label labels", Key("tags")),
            (
                "timeout connect_timeout request_timeout read_timeout",
                Advice("write `timeouts = { request = \"60s\" }`"),
            ),
            ("name host", Advice("each [[device]] has its own")),
            ("role", Advice("a spare says so itself: `role` of a [[device]]")),
            (
                "pin_sha256 pin fingerprint sha256 thumbprint",
                Advice("each gateway has a certificate of its own: `tls` of a [[device]]"),
            ),
        ],
    ),
    (
        "the timeouts of a device",
        &[
            ("connection connect_timeout", Key("connect")),
            ("read response answer total", Key("request")),
            ("backup download do_backup", Key("export")),
        ],
    ),
    (
        "a tls table",
        &[
            (
                "ca cafile cacert ca_cert ca_path ca_bundle file pem",
                Key("ca_file"),
            ),
            (
                "pin fingerprint sha256 sha_256 thumbprint pin_sha1 sha1",
                Key("pin_sha256"),
            ),
            (
                "insecure skip_verify verify_tls verify_ssl check enabled insecure_skip_verify",
                Advice("write `tls = { verify = false }`, which trusts anybody; better pin the certificate"),
            ),
            (
                "client_cert client_key cert certificate cert_file key key_file keyfile",
                Advice("a certificate of this machine is not used: the account logs in by its password"),
            ),
        ],
    ),
    (
        "a password table",
        &[
            (
                "environment variable var env_var environment_variable",
                Key("env"),
            ),
            ("path filename password_file from_file", Key("file")),
            ("cmd exec shell program run", Key("command")),
            ("credentials cred systemd", Key("credential")),
            (
                "value plain text password secret literal",
                Advice("without the table: `password = \"…\"`, in a file that only its owner may read"),
            ),
            (
                "vault keyring pass keychain gpg",
                Advice(
                    "write the command that prints it: `password = { command = [\"pass\", \"show\", \"…\"] }`",
                ),
            ),
        ],
    ),
    (
        "[[plan]]",
        &[
            ("retry max_retries", Advice("write `retries` under [settings]")),
            (
                "parallel jobs threads concurrency max_parallel",
                Advice("leave it out: tasks run one after another"),
            ),
            (STORED_AS_GIVEN, Advice(AS_GIVEN)),
            ("window time_window maintenance", Key("maintenance_window")),
            (
                "start end time_zone timezone",
                Advice("write `maintenance_window = { start = \"…\", end = \"…\" }`"),
            ),
            (
                "schedule cron when time at interval frequency",
                Advice(NO_SCHEDULE),
            ),
            (
                "on_error on_failure policy halt_on_error continue_on_error on_fail",
                Key("error_policy"),
            ),
            (
                "activities task tasks actions step steps backup backups",
                Advice("write [[plan.activity]] below the plan, once for each"),
            ),
            ("device", Advice("write `devices` under a [[plan.activity]]")),
            ("domain", Advice("write `domains` under a [[plan.activity]]")),
            (
                "pre before pre_hook prescript pre_command pre_run",
                Key("pre_script"),
            ),
            (
                "post after post_hook postscript post_command post_run script",
                Key("post_script"),
            ),
            ("active enable on", Key("enabled")),
            (
                "disabled disable paused pause skip off inactive suspended",
                Advice("a plan that is turned off has `enabled = false`"),
            ),
            (
                "timeout timeouts",
                Advice("write `timeouts` under [settings], or under a [[device]]"),
            ),
            ("mail e_mail", Key("email")),
            ("mail_to to recipient recipients rcpt", Key("email_to")),
            (
                "tag tags group groups",
                Advice("write `devices = \"@prod\"` under a [[plan.activity]]"),
            ),
            ("webhooks slack hook hooks teams", Key("webhook")),
            ("events notify notify_on", Key("notify_events")),
            (
                "keep keep_days keep_last keep_daily keep_weekly keep_monthly keep_within max_age max_backups rotate rotation \
                 prune retention_days days versions copies generations delete_after expire retain",
                Kept(""),
            ),
            ("title id plan plan_name", Key("name")),
            ("comment note notes desc", Key("description")),
        ],
    ),
    (
        "[[plan.activity]]",
        &[
            (STORED_AS_GIVEN, Advice(AS_GIVEN)),
            ("backup_type action_type", Key("action")),
            ("quiesce_before quiesce_domains quiesce_first", Key("quiesce")),
            ("plan_name", Advice("the plan's `name` stands under its [[plan]]")),
            ("retry max_retries", Advice("write `retries` under [settings]")),
            (
                "notify",
                Advice("who is told stands under the [[plan]]: `email = true`, and to whom in `email_to`"),
            ),
            ("type kind what mode method backup operation", Key("action")),
            (
                "device host hosts gateway gateways targets target appliances device_pattern device_names",
                Key("devices"),
            ),
            ("domain domain_pattern domain_names", Key("domains")),
            (
                "tag tags group groups",
                Advice("a tag stands behind an `@`: `devices = \"@prod\"`"),
            ),
            (
                "cert crypto_certificate certificate_name cert_name crypto_cert",
                Key("certificate"),
            ),
            ("quiesced quiesce_domain quiesce_device stop", Key("quiesce")),
            (
                "unquiesce resume unquiesce_after",
                Advice("leave it out: an unquiesce always follows a quiesce, whatever happens in between"),
            ),
            ("on_error policy continue_on_error", Key("error_policy")),
            (
                "on_failure on_fail failure_script",
                Advice(
                    "a script after a failure alone is `post_script` with `post_script_when = \"on-failure\"`; whether the tasks \
                     behind it still run says `error_policy`",
                ),
            ),
            (
                "persisted include_files files deployment_policy",
                Advice(
                    "leave it out: the saved configuration is exported with its files, and the running one as well where it \
                     differs",
                ),
            ),
            (
                "destination dest path folder store output",
                Advice("where backups are stored is `store` under [settings]"),
            ),
            ("schedule cron when at", Advice(NO_SCHEDULE)),
            (
                "timeout timeouts",
                Advice("write `timeouts` under [settings], or under a [[device]]"),
            ),
            (
                "priority order parallel jobs threads concurrency max_parallel",
                Advice("leave it out: tasks run one after another, in the order of the file"),
            ),
            (
                "retention keep keep_days keep_last keep_daily keep_weekly keep_monthly keep_within max_age max_backups rotate \
                 rotation prune retention_days days versions copies generations delete_after expire retain",
                Kept(" under the [[plan]]"),
            ),
            ("pre before pre_hook prescript", Key("pre_script")),
            (
                "post after post_hook postscript hook hooks script",
                Key("post_script"),
            ),
            (
                "name description title",
                Advice("an activity has no name: it is known by its plan and its place there"),
            ),
            (
                "enabled disabled",
                Advice("a plan as a whole is turned off: `enabled = false` under [[plan]]"),
            ),
            (
                "exclude except not exclude_devices exclude_domains",
                Advice(
                    "what is left out stands behind a `!`: `devices = \"*, !TEST9\"`, `domains = \"*, !scratch\"`",
                ),
            ),
        ],
    ),
    (
        "[settings.timeouts]",
        &[
            ("connection connect_timeout", Key("connect")),
            ("read response answer total", Key("request")),
            ("backup download do_backup", Key("export")),
            (
                "quiesce unquiesce",
                Advice("write `quiesce_timeout` and `unquiesce_timeout` under [settings]"),
            ),
        ],
    ),
    (
        "[notify]",
        &[
            ("mail smtp", Advice("write [notify.email]")),
            (
                "webhooks slack teams hook",
                Advice("write [[notify.webhook]], once for each"),
            ),
            (
                "prometheus metric textfile",
                Advice("write [notify.metrics] with `path`"),
            ),
            (
                "healthchecks healthcheck heartbeat",
                Advice("write [notify.ping] with `url`"),
            ),
            ("retries attempts", Key("tries")),
        ],
    ),
    (
        "[notify.email]",
        &[
            ("server smtp smtp_host smtp_server relay mailhost", Key("host")),
            ("sender mail_from", Key("from")),
            ("recipients recipient mail_to rcpt", Key("to")),
            ("tls starttls ssl encryption", Key("security")),
            ("user login", Key("username")),
            ("pass passwd secret", Key("password")),
            (
                "cc bcc",
                Advice("several recipients stand in `to`, with commas between them"),
            ),
            (
                "subject body headers template",
                Advice("leave it out: subject and text say what happened"),
            ),
            (
                "verify verify_tls tls_verify insecure skip_verify trust",
                Advice(
                    "leave it out: the certificate of the server is verified always; `ca_file` names the authority that signed it",
                ),
            ),
        ],
    ),
    (
        "[[notify.webhook]]",
        &[
            ("address uri endpoint", Key("url")),
            ("type kind style", Key("format")),
            ("auth token header headers bearer", Key("authorization")),
        ],
    ),
    (
        "[notify.ping]",
        &[
            ("address uri endpoint success", Key("url")),
            ("failure failed error", Key("fail")),
        ],
    ),
    ("[notify.metrics]", &[("file textfile output", Key("path"))]),
    ("[notify.syslog]", &[("server host socket", Key("address"))]),
];
