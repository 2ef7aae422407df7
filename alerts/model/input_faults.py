"""What can be wrong with what comes in, each code with its English sentence: channels.toml, then feeds and calendars.

They are reasons like any other (`reason.py` tells how one is added, and is where they are read). What is to be typed
into channels.toml stands in them as the file has it, with its straight quotes, in every language.
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
    "addresses_unread": "the address file {file} can't be read: {said:term}",
    "addresses_no_csv": (
        "{file} is no address file: {columns} is missing in its first line; allowed: a file of the Base Adresse "
        "Nationale, as .csv or .csv.gz"
    ),
    "addresses_too_many": (
        "the address file {file} is too long; allowed: that of one département, of which up to {most:number} addresses "
        "are the town's"
    ),
    "addresses_read": "{count:number} addresses of the town, in {streets:number} streets",
    "addresses_none": (
        "the address file {file} holds no address of the town; allowed: that of its département, and its code in "
        '[station] areas, such as "INSEE:38185"'
    ),
    "boundary_no_json": "{file} is not JSON; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_empty": "{file} holds no features; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_unnamed": "{file}: features[{place}] needs the properties `code` and `name`",
    "boundary_no_outline": "{file}: features[{place}] ({name}) needs an outline: a Polygon or a MultiPolygon",
    "boundary_bad_outline": (
        "{file}: features[{place}] ({name}) has an outline that is none; allowed: rings of 4 and more "
        "[longitude, latitude], the last one equal to the first"
    ),
    "boundary_twice": "{file}: two features have the {what} {text}; allowed: one each",
    "streets_unread": "{file} can't be read: {said:term}",
    "streets_without_districts": (
        "streets are told by their district; allowed: with the districts of a [station] boundary"
    ),
    "streets_no_csv": "{file} is no list of streets; allowed: a CSV with the columns `street` and `district`",
    "streets_none": "{file} holds no street; allowed: a row for each district that a street is in",
    "streets_too_many": "{file} is too long; allowed: up to {rows:number} rows and {most} MB",
    "streets_line": "{file}, line {line}: {what}",
    "street_unnamed": "the street is missing; allowed: a street and its district",
    "street_too_long": "the street's name is too long; allowed: up to {most} characters",
    "street_of_no_district": "{name} is no district; {hint}",
    "street_no_utf8": "this is not UTF-8; allowed: UTF-8, which spreadsheets call “CSV UTF-8”",
    "street_row_misshapen": "this is no row of the file; allowed: as many values as the first line has columns",
    # A folder of many towns
    "folder_misnamed": "a town's folder is named by a-z, 0-9, - and _, and starts with a letter or a figure",
    "secret_of_process": (
        "{name} is a variable of the whole process, which all towns share; allowed: { file = … }, a file in the "
        "town's folder"
    ),
    "outside_of_folder": "{path} lies outside of the town's folder; allowed: a place in it",
    "database_option": (
        "{name} may not be given by a town of a fleet; allowed: libpq's options that name no secret and no service"
    ),
    "link_out_of_folder": "{path} is a link that leads out of the town's folder; allowed: links within it",
    "host_of_machine": (
        "{host} is this machine's own, where the fleet answers; allowed: a town's name, such as {example}"
    ),
    "host_taken": "{host} is the name of another town, {other}; allowed: one town a name",
    "store_taken": "{store} is the store of another town, {other}; allowed: one town a store (another schema=)",
    "town_stumbled": "the town can't be started: {error}",
    "fleet_runs": "another process works on the towns of {folder}; stop it first",
    "fleet_unreadable": "the folder {folder} can't be used: {said:term}",
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
    "no_hours": "{text} is no span of the day; allowed: such as 08:00-19:00",
    "feed_named_as_channel": "{name} is the name of a channel too; give the feed another one",
    "channel_named_push": "[push] has this name already; give the channel another one",
    "no_push_service": (
        "{text} is no push service; allowed: a host such as fcm.googleapis.com, *.notify.windows.com or localhost:8443"
    ),
    "push_key_unreadable": "this is no private key for push; make one with tocsin push keys",
    "mail_to_nobody": "an e-mail has to go to somebody: name the list, or set subscriptions = true",
    "mail_second": "people subscribe to the e-mails of one channel, and {other} is that already",
    "mail_leads_nowhere": "every e-mail leads back to the town's pages; set [station] public_url",
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
    "logo_of_kind": "the logo is an SVG or PNG file",
    "logo_not_there": "{path} can't be read; a logo is an SVG or PNG file beside channels.toml",
    "logo_too_large": "{path} has {size} kB; allowed: up to {most} kB",
    "logo_no_picture": "{path} holds no picture of the kind that its name tells; save it anew as SVG or PNG",
    "no_colour": "{text} is no colour; allowed: #rrggbb, such as #0b4f9c",
    "colour_too_light": (
        "white words are hard to read on {text}: contrast {ratio:number}, needed {least:number}; take a darker one"
    ),
    "no_number_to_call": "{text} is no number to call; allowed: name, colon, number, such as Mairie: 04 76 00 00 00",
    "no_blank": "{text} is no blank’s name; allowed: what stands between the braces of a prepared text, such as lieu",
    "no_offer": "{name}: {text} can’t be offered; allowed: words without braces, up to {most} characters",
    "too_many_offers": "{name}: up to {most} words are offered for a blank",
    "too_many_numbers": "a town has up to {most} numbers to call of its own",
    "no_geocode": "{text} is no geocode; allowed: scheme:value, such as INSEE:38185 or NUTS3:FR714",
    "no_store": (
        "{text} is no store; allowed: sqlite:/// and a path, such as sqlite:///var/tocsin.db, or the address of a "
        "PostgreSQL database, such as postgresql://tocsin@db.example.org/tocsin"
    ),
    "no_schema": "{text} is no name of a schema; allowed: small letters, digits and _, 63 at the most",
    "kept_too_short": "what is finished is kept for {days}d at the least; allowed: 30d, 1y, 3y …",
    "map_of_kind": (
        "{text} is no map; allowed: a PMTiles file, such as commune.pmtiles (`tocsin map` says how to get one)"
    ),
    "map_not_there": "{path} can't be read: maps show outlines alone; `tocsin map` says how to get one",
    "map_no_pmtiles": (
        "is no map that browsers can draw; allowed: PMTiles of version 3 with vector tiles (MVT), packed with gzip or "
        "not at all"
    ),
    "map_elsewhere": "{path} doesn't cover all districts of the town; `tocsin map` says how to get one that does",
    "map_too_large": (
        "{path} has {size:number} MB, more than a town's map needs ({most:number} MB); `tocsin map` says how to cut it"
    ),
    "map_of_whom": "{path} doesn't say that it is made of OpenStreetMap; the map says so, and adds what tiles_by says",
    "map_fine": "{path} is readable: {size:number} MB, streets up to zoom {zoom}",
    "no_tile_address": "{text} is no tile address; allowed: such as {example}",
    "no_site": "{text} is no site; allowed: such as https://www.saint-martin.example",
    "no_network": "{text} is no network; allowed: such as 127.0.0.1 or 10.0.0.0/8",
    "no_place_to_listen": "{text} is no place to listen; allowed: host:port, such as {example}",
    "no_heartbeat": "is no address; allowed: such as https://watch.example/ping/1234",
    "oftener_than_a_second": "is once a second at the most; allowed: 1s and longer",
    "no_radius": "{text} is no radius; allowed: a length from 10m to 10km, such as 500m, 1.5km",
    "no_cluster_span": "allowed: a span from 1m to 24h, for who reported is known no longer",
    "kind_twice": "the code {name} is there twice; each kind has one of its own",
    "report_kind_misnamed": "{name} is no kind of report; {hint}",
    "source_named_reports": "the source of drafts made of reports is called so; give this one another name",
    "no_span": "{text} is no span of time; allowed: a number and a unit, such as 250ms, 2s, 10m, 6h, 1d, 3y",
    "span_too_long": "{text} is too long a span of time",
    "span_unquoted": 'allowed: a span of time in quotes, such as "10m"',
    "no_time_to_wait": "is no time to wait; allowed: longer than nothing and up to 366d, such as {example}",
    "source_oftener_than_a_second": "a source is read once a second at the most; allowed: 1s and longer",
    "rss_waits": (
        "an RSS feed says neither how grave a thing is nor when it is over, so its entries wait for an officer; "
        'allowed: "approve"'
    ),
    "no_department": (
        '{text} is no department of mainland France or Corsica; allowed: its code in quotes, such as "38", "01" or "2A"'
    ),
    "vigilance_overseas": (
        "Météo-France warns {department} by documents that can't be read here; allowed: a department of mainland "
        "France or Corsica"
    ),
    "no_moment": (
        '{text} is no moment of an event; allowed: "start", "end", or a time before the start such as "-30m", '
        '"-2h", "-1d" (from 1m to 30d)'
    ),
    "no_limit": "{text} is no limit; allowed: posts/span, such as 100/15m or 60/24h",
    "limit_of_nothing": "{text} is no limit; the span must be longer than nothing",
    "secret_itself": 'a secret never stands here itself; allowed: { env = "NAME" } or { file = "name" }',
    "secret_of_one_place": 'allowed: either { env = "NAME" } or { file = "name" }',
    "mail_api_url": "mail has no such address: host and port say where the relay is",
    "mail_unprintable": "one line without control characters",
    "mail_plain_afar": (
        'tls = "none" is for a relay on this machine alone, and {host} is another one: whoever is between could read '
        'the password and change an alert; allowed: "starttls" or "implicit"'
    ),
    "mail_half_a_login": "user and password go together: name both, or neither for a relay that asks for none",
    "mqtt_api_url": "a broker has no such address: host and port say where it is",
    "mqtt_stands": "what is on stands there until its end takes it away; allowed: {allowed}",
    "mqtt_plain_afar": (
        'tls = "none" is for a broker on this machine alone, and {host} is another one: '
        'whoever is between could change an alert; allowed: "implicit"'
    ),
    "mqtt_half_a_login": "user and password go together: name both, or neither for a broker that asks for none",
    "api_url_scheme": "an address starts with https:// (or http:// for the sandbox)",
    "update_unseen": 'allowed: "reply", "edit", "new"',
    "card_edited": (
        'card = true: a picture can\'t be edited and would go on showing what held; allowed with {key} = "reply" '
        'or "new"'
    ),
    "x_may_not_hear": (
        "X's terms let a town, as a body of government, read what others write there only once X approved it in "
        "writing; missing for hears = true: {missing}"
    ),
    "x_needs_approved": "approved (the day of X's approval, such as 2026-11-01)",
    "x_needs_listen": "listen (the four keys of another account, so that reading never endangers the one that posts)",
    "x_needs_budget": "budget (dollars a month at the most, such as 5.00, for X charges for what is read)",
    "x_approved_later": "{date} is yet to come; allowed: the day on which X approved it",
    "x_listens_with_same": (
        "listen has the {key} of the account that posts; allowed: the keys of another account, with an app of its own"
    ),
    "reserve_too_large": "a reserve of {count} leaves nothing of {limit}; allowed: 0 to {most}",
    "webhook_without_url": "a webhook needs [station] public_url",
    "public_url_unread": (
        "[station] public_url {text} is no address; allowed: such as https://alertes.saint-martin.example"
    ),
    "public_url_unencrypted": (
        "Telegram sends nothing to {text}, which isn't https; allowed: a [station] public_url with https://"
    ),
    "public_url_unreachable": (
        "Telegram can't reach {text} from the internet; allowed: a [station] public_url that the internet reaches"
    ),
    "public_url_port": "Telegram takes no [station] public_url on port {port}; allowed: {ports}",
    # Setting up, and trying what was set up
    "test_chat_missing": (
        "the chat for tests is missing; allowed: the number of a private one, such as -1001234567890 (one with a "
        "public @name can be found by anybody)"
    ),
    "test_chat_public": "that chat is read by the public; name a private one, or that of an exercise channel",
    "setup_address": "open this once, in a browser on this machine:",
    "setup_from_outside": (
        "other machines reach it, unencrypted: somebody who reads along could come in; an SSH tunnel is better"
    ),
    "setup_writes_nothing": "nothing is written before you ask for it on the last pages; Ctrl-C ends it",
    "setup_elsewhere": "this address isn't the one that the terminal shows",
    "setup_unopened": "open the address that `tocsin setup` shows in the terminal, once",
    "setup_code_wrong": "this code is wrong or was used already; start `tocsin setup` anew for another",
    "setup_form_foreign": "this form is not from here; go back, load the page again and send it once more",
    "config_not_saved": "there is no channels.toml that Tocsin would start with; save the lines first",
    "config_unwritten": "channels.toml can't be written: {said:term}; allowed: a folder that tocsin may write to",
    "source_not_read": "{name} is no source that can be read; allowed: one of [sources.NAME] with a url",
    "no_hidden_place": "{kind} has no place where nobody sees a test post; only the credential can be tried",
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
    "proxies_missing": (
        "web.proxies: the desk's address is https, which needs a web server before Tocsin; none is listed"
    ),
    # What a check finds
    "check_summary": "{channels} channels, {sources} sources, {districts} districts",
    "templates_fine": "every one renders",
    "secrets_fine": "its secrets can be read",
    "token_shared": "its token is that of channels.{other}; give each a bot of its own (@BotFather)",
    "not_writable": "{path} can't be written; give it to the user that runs tocsin",
    "path_fine": "{path}",
    "accent_like_gravity": (
        "{text} looks like the colour of {severity:term} alerts; while one is on, the page's head is without it. "
        "Better: a colour that says nothing of danger"
    ),
    "public_url_missing": (
        "is missing, so that posts don't link to the town's page, and its cards, feeds and languages have no "
        "whole address; allowed: such as https://alertes.saint-martin.example"
    ),
    "export_taken": (
        "{path} is there already and not ours; allowed: a folder that there isn't yet, or the link that we made"
    ),
    "proxies_unlisted": (
        "is missing, but {key} is https, which needs a web server before Tocsin: the desk refuses "
        'requests through one that isn\'t listed; allowed: its address, such as ["127.0.0.1"]'
    ),
    "desk_unreachable": (
        "{address} can't be reached: before the first start that is as it should be; later, does the daemon run, and "
        "the web server before it?"
    ),
    "desk_answers_else": (
        "{address}/sign-in answered {status}, not the sign-in; allowed: its address, with or without /desk"
    ),
    "desk_answers": "{address} answers",
    "source_fine": "{count} entries",
    "source_partly": "{count} entries, {broken} unreadable ({why})",
    "channel_fine": "speaks as {account}",
    "template_wrong": "{where}: {said}",
    "templates_no_folder": "{folder}: no such folder of templates, create it or leave it out",
    "template_unlooked": "{path}: this file is never used, for no alert looks for this name",
    "template_unlooked_near": (
        "{path}: this file is never used, for no alert looks for this name; did you mean {near}?"
    ),
    "template_no_hazard": "{path}: no such hazard, one of {known} is allowed",
    "template_frees": (
        "{path}: {name} says “{text}” when time has run out: only an all clear may free people (over.all_clear)"
    ),
    "template_lacks": '{path}: says no {parts}: add {% part "{first}" %}…{% endpart %}',
}
"""By code; `SENTENCES` holds them with all others."""


SOURCE_FAULTS: Mapping[str, str] = {
    # Sources
    "at_address": "{address}: {why}",
    "reader_stumbled": "the reader's code failed: {error}",
    "apart_too_long": "reading it takes more than the {seconds} s of computing that it may have",
    "apart_too_much_memory": "reading it takes more than the {most} MB of memory that it may have",
    "apart_too_much_said": "what was read in it is larger than {most} MB",
    "apart_broke": "the process that read it failed ({said})",
    "apart_busy": "{most:number} others of the same origin wait to be read already: it has to come again",
    "apart_not_begun": "no process could be begun to read it ({said}): look at this machine's memory and processes",
    "index_without_messages": "its index answers, but {count} of its messages can't be read: {why}",
    "calendar_damaged": "the calendar is damaged ({why}): part of it may be missing, so nothing is called off for it",
    "calendar_gone": (
        "{count} announced entries are gone from the calendar at once ({titles}): none is called off; "
        "correct the calendar, or agree to it (at the desk, or by `tocsin gone`)"
    ),
    "desk_stumbled": "the desk's code failed on {key}: this is a fault of the program, please report it",
    "not_read_lately": "it was not read lately",
    "answered_status": "{address} answered {status}",
    "answered_status_fix": "{address} answered {status}; {fix:term}",
    "connection_failed": "{address}: {trouble:term}",
    "source_silent": "{address} did not answer within {seconds} s",
    "source_redirects": "{address} redirects more than {most} times",
    "source_redirects_nowhere": "{address} redirects to an address that can't be read",
    "address_unread": "an address can't be read; expected as https://host/path",
    "address_scheme": "the address {address} is not http or https",
    "address_private": (
        "{address} leads to the private host {host}, which is refused; if this is meant: allow_private = true"
    ),
    "link_private": (
        "a link in a file leads to the private host {host}, which is refused; if this is meant: allow_private = true"
    ),
    "host_unresolved": "the name {host} can't be resolved; look at the address and the DNS",
    "file_link_unread": "a link to a file can't be read",
    "file_link_outside": "a link leads to a file outside the index's own folder, which is refused",
    "file_missing": "the file {path} is not there; look at the path",
    "file_unread": "the file {path} can't be read: {said:term}",
    "feed_is_none": "it isn't an RSS or Atom feed",
    "vigilance_no_json": "what came is no JSON; expected Météo-France's {what:term}",
    "vigilance_misshapen": "what came is not Météo-France's {what:term}: {place} is missing or of another form",
    "vigilance_without": "the department {department} isn't on Météo-France's map",
    "vigilance_over": "the time that Météo-France's map is for was over at {at:time}, and no newer one is there",
    "vigilance_older": (
        "since {at:time} only editions older than the map of {updated:time} came; a cache on the way may be stuck"
    ),
    "vigilance_wordless": "told without the forecasters' words: {why}",
    "file_too_large": "the file {path} is larger than {most} MB",
    "answer_packed": "the answer is packed as {packing}, which was not asked for",
    "answer_no_gzip": "the answer says that it is gzip and isn't",
    "answer_cut": "the answer was cut short",
    "answer_too_large": "the answer is larger than {most} MB",
    "xml_dtd": "the XML has a document type declaration (DTD), which is never read",
    "xml_empty": "the document is empty; expected XML",
    "xml_is_html": "it is an HTML page; expected XML",
    "xml_no_tag": "it is no XML: it doesn't begin with a tag",
    "xml_many_tags": "the XML holds more than {most:number} tags",
    "xml_malformed": "it is no well-formed XML: {said}",
    "cap_root": "it is no CAP message: its root is <{root}>, expected <alert>",
    "cap_unidentified": "the CAP message has no {missing:term}: it can't be told from any other",
    "cap_sent": "the CAP message's sent is no time: {text}; expected as 2026-11-25T12:00:00+01:00",
    "index_empty": "the answer is empty; expected Atom, RSS, CAP, MeteoAlarm's JSON or a ZIP of CAP messages",
    "index_json": "the answer is no readable JSON; expected MeteoAlarm's, with `warnings`",
    "index_no_warnings": "the JSON has no list of `warnings`; expected MeteoAlarm's",
    "index_no_warnings_says": 'the JSON has no list of `warnings` and says "{said}"; expected MeteoAlarm\'s',
    "index_html": "the answer is an HTML page; expected Atom, RSS, CAP, or CAP messages within",
    "index_other": "the answer is XML with the root <{root}>; expected Atom, RSS, CAP, or CAP messages within",
    "index_entry_no_alert": "warnings[{place}] holds no alert",
    "index_link_long": "the link {link} of an entry is longer than any address",
    "index_link_unread": "the link {link} of an entry can't be read",
    "index_entry_bare": "the entry {name} has neither a link nor a message",
    "zip_unread": "the ZIP can't be opened: {said}",
    "zip_many": "the ZIP holds {count} messages, more than {most}",
    "zip_too_large": "the ZIP unpacks to more than {most} MB",
    "zip_member_damaged": "{name} in the ZIP is damaged, or packed in a way that can't be read",
    "zip_member_too_large": "{name} in the ZIP is larger than {most} MB",
    "calendar_empty": "the calendar is empty, not even BEGIN:VCALENDAR: look whether its export still works",
    "calendar_web_page": (
        "a web page came instead of a calendar (BEGIN:VCALENDAR): look whether its address is still shared"
    ),
    "calendar_other": (
        "something else came instead of a calendar (BEGIN:VCALENDAR): look whether its address is still shared"
    ),
    "calendar_cut": "the calendar is cut off (no END:VCALENDAR): it is read again when it came whole",
    "event_unread": 'the event "{title}" can\'t be read: {why}',
    "event_stumbled": "the reader's code failed on it ({error})",
    "event_replaced": "another version of it counts, whose SEQUENCE is higher or which stands later in the file",
    "event_versions": "its UID stands there {count:number} times: {most:number} are read",
    "event_rules": "it has more than {most} rules: let it have one",
    "event_recurrence": "its recurrence can't be followed ({said})",
    "event_too_often": "its rule (FREQ={frequency}) repeats too often to be followed: let it repeat less",
    "event_too_fine": "its rule (FREQ={frequency} with BY…) is finer than a calendar needs: let it repeat daily",
    "event_interval": "its rule has INTERVAL={interval}: allowed are 1 and more (RFC 5545, section 3.3.10)",
    "event_month_day": "its rule has a BYMONTHDAY that none of its months has: look at the day and at BYMONTH",
    "event_misfit": "its properties don't fit together ({said})",
    "event_dates": "it has {count:number} dates (RDATE, EXDATE), more than {most:number}: let a rule tell them",
    "event_no_start": "it has no DTSTART",
    "event_twice": "it has {name} twice",
    "event_broken": "its {name} is none: {text}",
    "event_beyond_reason": "it starts or ends in a year beyond reason: allowed are {first} to {last}",
    "event_no_end": "it has no END:VEVENT",
    "event_assumed_end": "it has no end after its start: an hour is assumed",
    "event_zone_unknown": 'the zone "{zone}" is unknown: its times are taken as {taken}',
    "event_no_uid": "it has no UID: a change of it will read as another event",
    "bytes_forbidden": "characters that XML forbids were removed",
    "bytes_entities": "undefined entities or bare ampersands were taken as the characters they stand for",
    "bytes_utf8": "the declared encoding is wrong: read as UTF-8",
    "bytes_windows": "not in the declared encoding: read as Windows-1252",
    "field_missing": "{name} is missing: taken as {taken}",
    "field_no_code": "{name} {text} is no code of CAP: taken as {taken}",
    "field_no_code_left_out": "{name} {text} is no code of CAP: left out",
    "field_no_number": "{name} {text} is no number: left out",
    "field_too_long": "{name} is longer than {most:number} characters: the rest is left out",
    "message_too_long": "the message is longer than any that is read: the rest is left out",
    "namespace_strange": "the namespace {text} is not CAP's",
    "language_strange": "language {text} is no language tag: taken as {taken}",
    "time_left_out": "time {text} can't be read: left out",
    "time_odd": "time {text} is not written as CAP has it: taken as {taken}",
    "time_without_zone": "time {text} has no zone: taken as {taken}",
    "time_beyond_reason": "time {text} is beyond reason: left out",
    "reference_itself": "a reference of the message to itself was dropped",
    "reference_strange": "reference {text} is not sender,identifier,sent: left out",
    "areas_too_many": "the message has more than {most:number} areas: the rest is left out",
    "uri_of_ours": "uri names a file of this machine: ignored",
    "polygon_left_out": "polygon {text} can't be read: left out",
    "polygon_points_unread": "{count:number} points of a polygon can't be read: it is taken without them",
    "polygon_many_points": "a polygon has more than {most:number} points: as many are read, evenly spaced",
    "polygon_open": "a polygon's ring was open: closed",
    "polygon_few_points": "a polygon of {count} points is none (four at least): left out",
    "polygon_off_earth": "a polygon has points that are not on earth: left out",
    "polygon_antimeridian": "a polygon crosses the antimeridian with longitudes beyond 180",
    "circle_left_out": "circle {text} is none: left out",
    "colour_counts": "severity differs from the colour of awareness_level: taken from the colour",
}
"""By code; `SENTENCES` holds them with all others."""
