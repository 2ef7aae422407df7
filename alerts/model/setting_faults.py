"""What can be wrong with channels.toml, and what setting up and checking find: each code with its English sentence.

They are reasons like any other (`reason.py` tells how one is added, and is where they are read); they stand apart since
they are many and speak of settings alone. What is to be typed into the file stands in them as the file has it, with its
straight quotes, in every language.
"""

from __future__ import annotations

from collections.abc import Mapping

SETTING_FAULTS: Mapping[str, str] = {
    # Credentials and configuration
    "variable_unset": "the environment variable {name} is not set; set it, or name a file instead",
    "secret_file_missing": "the secret file {name} is missing, empty or unreadable in the folder of channels.toml",
    "secret_file_missing_here": (
        "the secret file {name} is missing, empty or unreadable in $CREDENTIALS_DIRECTORY or the folder "
        "of channels.toml"
    ),
    "more_than_a_credential": "{where} holds more than a credential: put it there alone, on one line",
    "secret_no_base64": "the secret starts with whsec_ but what follows is no base64; copy it anew",
    "secret_too_short": "the secret is shorter than {least} bytes and might be guessed; make a longer one",
    "channel_unopened": "the channel {channel} has no credential yet; it must be opened first",
    "boundary_unread": "{file} can't be read: {said:term}",
    "boundary_no_json": "{file} is not JSON; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_empty": "{file} holds no features; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_unnamed": "{file}: features[{place}] needs the properties `code` and `name`",
    "boundary_no_outline": "{file}: features[{place}] ({name}) needs an outline: a Polygon or a MultiPolygon",
    "boundary_bad_outline": (
        "{file}: features[{place}] ({name}) has an outline that is none; allowed: rings of 4 and more "
        "[longitude, latitude], the last one equal to the first"
    ),
    "boundary_twice": "{file}: two features have the {what} {text}; allowed: one each",
    # The file of settings
    "lines": "{each:lines}",
    "file_wrong": "{file}: {what}",
    "setting_wrong": "{file}: {key}: {what}",
    "key_wrong": "{key}: {what}",
    "config_missing": "no such file; name it with --config FILE or TOCSIN_CONFIG, or start in its folder",
    "config_unread": "can't be read: {said:term}; allowed: a text file",
    "config_no_utf8": "is not UTF-8 text; save it as UTF-8",
    "config_no_toml": "is not TOML: {said:term}",
    "config_no_toml_at": "is not TOML: {said:term} (at line {line}, column {column})",
    "config_no_toml_end": "is not TOML: {said:term} (at end of document)",
    "section_unknown": "unknown section; {hint}",
    "key_unknown": "unknown key; {hint}",
    "did_you_mean": "did you mean {near}?",
    "known_are": "known: {known}",
    "allowed_are": "allowed: {allowed}",
    "no_channel_yet": "none is configured; add one, such as [channels.telegram]",
    "is_section": "is a section; allowed: [{name}]",
    "is_section_of_tables": "is a section of tables; allowed: [{name}.NAME]",
    "is_table": "is a table; allowed: [{name}.NAME]",
    "name_of_table": "a name is of a-z, 0-9, - and _, and starts with a letter",
    "channel_not_there": "there is no such channel",
    "channel_misnamed": "{name} is no channel; {hint}",
    "channel_read_by_public": "{name} is read by the public; allowed: a channel with public = false",
    "bot_shared": "{other} has the same bot; allowed: one channel a bot",
    "updates_by_poll": '{why}; allowed anyhow: "poll"',
    "speaks_for_officer": "nobody speaks for an officer; allowed: other feeds",
    "source_misnamed": "{name} is no other source; {hint}",
    "no_other_sources": "allowed: other sources, of which there are none",
    "kind_misnamed": "{name} is no kind; {hint}",
    "kind_unloadable": "{name} is of {package}, which can't be loaded: {said}; install it anew",
    "kind_is_none": "{name} is of {package}, which is no kind; ask the package's maker",
    # What a key may say
    "setting_missing": "is missing; allowed: {allowed}",
    "setting_of_other_type": "is something else; allowed: {allowed}",
    "setting_misshapen": "is not what it has to look like; allowed: {allowed}",
    "setting_empty": "is empty; allowed: {allowed}",
    "setting_too_long": "is too long; allowed: up to {most}",
    "setting_too_small": "is too small; allowed: {least} and more",
    "setting_too_large": "is too large; allowed: {most} and less",
    "of_type": "{type:term}",
    "such_as": "such as {example}",
    "either": "{one} or {other}",
    "a_list_of": "a list of {what}",
    "hazard_misnamed": "{name} is no hazard; {hint}",
    "no_cap_sender": "a CAP sender holds no blank, comma, < or &; allowed: such as alertes@saint-martin.example",
    "no_language_tag": "{text} is no language tag; allowed: such as fr-FR or en",
    "no_time_zone": "{text} is no time zone; allowed: an IANA name such as Europe/Paris",
    "no_address_such_as": "{text} is no address; allowed: such as {example}",
    "no_geocode": "{text} is no geocode; allowed: scheme:value, such as INSEE:38185 or NUTS3:FR714",
    "no_store": "{text} is no store; allowed: sqlite:/// and a path, such as sqlite:///var/tocsin.db",
    "kept_too_short": "what is finished is kept for {days}d at the least; allowed: 30d, 1y, 3y …",
    "no_tile_address": "{text} is no tile address; allowed: such as {example}",
    "no_site": "{text} is no site; allowed: such as https://www.saint-martin.example",
    "no_network": "{text} is no network; allowed: such as 127.0.0.1 or 10.0.0.0/8",
    "no_place_to_listen": "{text} is no place to listen; allowed: host:port, such as {example}",
    "no_heartbeat": "is no address; allowed: such as https://watch.example/ping/1234",
    "oftener_than_a_second": "is once a second at the most; allowed: 1s and longer",
    "no_span": "{text} is no span of time; allowed: a number and a unit, such as 250ms, 2s, 10m, 6h, 1d, 3y",
    "span_too_long": "{text} is too long a span of time",
    "span_unquoted": 'allowed: a span of time in quotes, such as "10m"',
    "no_time_to_wait": "is no time to wait; allowed: longer than nothing and up to 366d, such as {example}",
    "source_oftener_than_a_second": "a source is read once a second at the most; allowed: 1s and longer",
    "no_moment": (
        '{text} is no moment of an event; allowed: "start", "end", or a time before the start such as "-30m", '
        '"-2h", "-1d" (from 1m to 30d)'
    ),
    "no_limit": "{text} is no limit; allowed: posts/span, such as 100/15m or 60/24h",
    "limit_of_nothing": "{text} is no limit; the span must be longer than nothing",
    "secret_itself": 'a secret never stands here itself; allowed: { env = "NAME" } or { file = "name" }',
    "secret_of_one_place": 'allowed: either { env = "NAME" } or { file = "name" }',
    "api_url_scheme": "an address starts with https:// (or http:// for the sandbox)",
    "update_unseen": 'allowed: "reply", "edit", "new"',
    "card_edited": (
        'card = true: a picture can\'t be edited and would go on showing what held; allowed with {key} = "reply" '
        'or "new"'
    ),
    "reserve_too_large": "a reserve of {count} leaves nothing of {limit}; allowed: 0 to {most}",
    "webhook_without_url": "a webhook needs [station] public_url",
    "public_url_unread": (
        "[station] public_url {text} is no address; allowed: such as https://alertes.saint-martin.example"
    ),
    "public_url_unencrypted": (
        "Telegram brings nothing to {text}, which isn't https; allowed: a [station] public_url with https://"
    ),
    "public_url_unreachable": (
        "Telegram doesn't reach {text} from outside; allowed: a [station] public_url that the internet does"
    ),
    "public_url_port": "Telegram takes no [station] public_url on port {port}; allowed: {ports}",
    # Setting up, and trying what was set up
    "secret_file_outside": "{key}: a secret's file stands below the folder of channels.toml; name it without .. or /",
    "api_url_not_tried": (
        "api_url is another than the platform's own: it is tried from here once it stands in channels.toml; until"
        " then by `tocsin check --live`"
    ),
    "webhook_not_tried": (
        "url and secret are tried from here once they stand together in channels.toml; until then by `tocsin "
        "check --live`"
    ),
    "path_outside": "leads out of this folder; put it there to try it",
    "source_file_outside": "url: a file is read from here only below the folder of channels.toml; put it there",
    "test_chat_missing": (
        "the chat for tests is missing; allowed: the number of a private one, such as -1001234567890 (one with a "
        "public @name can be found by anybody)"
    ),
    "test_chat_public": "that chat is read by the public; name a private one, or that of an exercise channel",
    "setup_address": "open this once, in a browser on this machine:",
    "setup_from_outside": (
        "other machines reach it, unencrypted: whoever reads along could come in; an SSH tunnel is better"
    ),
    "setup_writes_nothing": "nothing is written before you ask for it on the last pages; Ctrl-C ends it",
    "setup_elsewhere": "this address isn't the one that the terminal shows",
    "setup_unopened": "open the address that `tocsin setup` shows in the terminal, once",
    "setup_code_wrong": "this code is wrong or was used already; start `tocsin setup` anew for another",
    "setup_form_foreign": "this form is not from here; go back, load the page again and send it once more",
    "config_not_saved": "there is no channels.toml that Tocsin would start with; save the lines first",
    "config_unwritten": "channels.toml can't be written: {said:term}; allowed: a folder that tocsin may write to",
    "nothing_written_here": "from here nothing is written; copy the lines, or download them",
    "source_not_read": "{name} is no source that can be read; allowed: one of [sources.NAME] with a url",
    "no_hidden_place": "{kind} has no place where a test post is seen by nobody; the credential is all one can try",
    "trial_too_long": "it took longer than {seconds} s; look whether it answers at all",
    "trial_unanswered": "no answer within {seconds} s; look at the network",
    "database_refused": "the database refused: {said}; nothing was stored",
    "said_too_often": "it says something more than {most:number} times in the month before: choose an earlier time",
    "database_busy": "the database refuses ({said}); ask again",
    "path_unwritten": "{path} can't be written: {said:term}",
    "export_not_ours": "[web] export: {path} is there already and no link of ours; name a new folder",
    "draft_unnamed": "draft and revision are needed",
    "fields_unread": "fields must be an object",
    "listen_taken": "web.listen {address}: {said:term}; choose another port",
    "proxy_unlisted": "web.proxies: {address} sends requests on and isn't listed; the desk refuses them",
    "proxies_missing": "web.proxies: the desk's address is https, which a web server before it speaks; none is listed",
    # What a check finds
    "check_summary": "{channels} channels, {sources} sources, {districts} districts",
    "templates_fine": "every one renders",
    "secrets_fine": "its secrets can be read",
    "token_shared": "its token is that of channels.{other}; give each a bot of its own (@BotFather)",
    "not_writable": "{path} can't be written; give it to the user that runs tocsin",
    "path_fine": "{path}",
    "public_url_missing": (
        "is missing, so that posts don't link to the town's page, and its cards, feeds and languages have no "
        "whole address; allowed: such as https://alertes.saint-martin.example"
    ),
    "export_taken": (
        "{path} is there already and not ours; allowed: a folder that there isn't yet, or the link that we made"
    ),
    "proxies_unlisted": (
        "is missing, but {key} is https, which only a web server before Tocsin speaks: the desk refuses what "
        'comes by one that isn\'t listed; allowed: its address, such as ["127.0.0.1"]'
    ),
    "desk_unreachable": "{address} can't be reached ({error}): does the daemon run, and the web server before it?",
    "desk_answers_else": (
        "{address}/sign-in answered {status}, not the sign-in; allowed: its address, with or without /desk"
    ),
    "desk_answers": "{address} answers",
    "source_fine": "{count} entries",
    "source_partly": "{count} entries, {broken} unreadable ({why})",
    "channel_fine": "speaks as {account}",
    "template_wrong": "{where}: {said}",
    "templates_no_folder": "{folder}: no such folder of templates, create it or leave it out",
    "template_unlooked": "{path}: no alert looks for this name",
    "template_unlooked_near": "{path}: no alert looks for this name, did you mean {near}?",
    "template_no_hazard": "{path}: no such hazard, one of {known} is allowed",
    "template_frees": (
        "{path}: {name} says “{text}” when time has run out: only an all clear may free people (over.all_clear)"
    ),
    "template_lacks": '{path}: says no {parts}: add {% part "{first}" %}…{% endpart %}',
}
"""By code; `SENTENCES` holds them with all others."""
