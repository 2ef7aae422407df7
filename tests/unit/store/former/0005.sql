BEGIN TRANSACTION;
CREATE TABLE account (
	folded VARCHAR(100) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	password TEXT NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	language VARCHAR(35), 
	totp TEXT, 
	totp_step BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	disabled_at BIGINT, 
	signed_in_at BIGINT, 
	CONSTRAINT pk_account PRIMARY KEY (folded)
);
INSERT INTO "account" VALUES('anne','Anne','administrator','$argon2id$not-one',1,NULL,NULL,0,1795722831894340,NULL,NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE alert (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	source VARCHAR(100) NOT NULL, 
	identifier TEXT, 
	sender TEXT, 
	sent BIGINT, 
	status VARCHAR(16), 
	msg_type VARCHAR(16), 
	severity VARCHAR(16), 
	headline TEXT, 
	expires BIGINT, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	content_key VARCHAR(64), 
	topic VARCHAR(64), 
	notes TEXT NOT NULL, 
	document TEXT, 
	received_at BIGINT NOT NULL, 
	closed_at BIGINT, author TEXT, 
	CONSTRAINT uq_alert_id UNIQUE (id)
);
INSERT INTO "alert" VALUES(1,'eqcz7e6d8fr4','tfny9mbsaa6k','manual','tocsin-r5caqxg2r8b0','alertes@saint-martin.example',1795722831000000,'Actual','Alert','Severe','Crue de l’Isère',1795766031000000,'accepted','validated by Bob','31d8d480c4188e44503557b0be38962d141dedf3c7c1adc6f9957306e5d77eaa','8930f590d2bc5e78d7dd7fe97580fcafab321fe96d7d977e42f3de51b78053b2','[]','{"identifier":"tocsin-r5caqxg2r8b0","sender":"alertes@saint-martin.example","sent":"2026-11-26T20:53:51+01:00","infos":[{"event":"Alerte","urgency":"Expected","severity":"Severe","certainty":"Likely","categories":["Safety"],"language":"fr-FR","expires":"2026-11-27T08:53:51+01:00","sender_name":"Ville de Saint-Martin","headline":"Crue de l’Isère","description":"Évitez les berges.","areas":[{"description":"Ville de Saint-Martin","geocodes":[{"name":"INSEE","value":"38185"}]}]}]}',1795722831924061,NULL,'Anne');
INSERT INTO "alert" VALUES(2,'rrg1zqbdwezr','6ay587zehsge','manual','tocsin-dcfecxapj9ng','alertes@saint-martin.example',1795722832000000,'Actual','Alert','Moderate','Verglas rue des Écoles',1795766032000000,'waiting','it waits for a validation','064f5772fadb410ca7bce79a3492952e3fee6cf1626dd813fcaa1d05c49ee508','8930f590d2bc5e78d7dd7fe97580fcafab321fe96d7d977e42f3de51b78053b2','[]','{"identifier":"tocsin-dcfecxapj9ng","sender":"alertes@saint-martin.example","sent":"2026-11-26T20:53:52+01:00","infos":[{"event":"Alerte","urgency":"Expected","severity":"Moderate","certainty":"Likely","categories":["Safety"],"language":"fr-FR","expires":"2026-11-27T08:53:52+01:00","sender_name":"Ville de Saint-Martin","headline":"Verglas rue des Écoles","description":"Évitez les berges.","areas":[{"description":"Ville de Saint-Martin","geocodes":[{"name":"INSEE","value":"38185"}]}]}]}',1795722832002857,NULL,'Anne');
CREATE TABLE attempt (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	post_id VARCHAR(26) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	counts BOOLEAN NOT NULL, 
	left_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	outcome VARCHAR(16), 
	remote_id TEXT, 
	reason TEXT, 
	CONSTRAINT fk_attempt_post_id FOREIGN KEY(post_id) REFERENCES post (id)
);
INSERT INTO "attempt" VALUES(1,'8ekcxxf8kegb','telegram','send','us',1,1795722831924912,1795722831924917,'sent','41',NULL);
CREATE TABLE audit (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	actor VARCHAR(100) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	origin VARCHAR(16) NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	act VARCHAR(40) NOT NULL, 
	subject TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL
);
INSERT INTO "audit" VALUES(1,1795722831894340,'Anne','administrator','command','test','account added','Anne','administrator','0000000000000000000000000000000000000000000000000000000000000000','cc6db7a5b6f623827e6ae2011284515388f9dad88aa3dd5f44b664b15bbb833d');
INSERT INTO "audit" VALUES(2,1795722831922027,'Anne','administrator','command','test','post','eqcz7e6d8fr4','Actual Crue de l’Isère','cc6db7a5b6f623827e6ae2011284515388f9dad88aa3dd5f44b664b15bbb833d','017bf29c4226dec4b3a1a994fbbb5d1ab4a584b69fd00993ce1604af2e92df8a');
INSERT INTO "audit" VALUES(3,1795722832002219,'Anne','administrator','command','test','post','rrg1zqbdwezr','Actual Verglas rue des Écoles','017bf29c4226dec4b3a1a994fbbb5d1ab4a584b69fd00993ce1604af2e92df8a','0c13f4a0a5d2b61b091c72936e2c4b1a64337a6e2b0c955eed20439974074cca');
INSERT INTO "audit" VALUES(4,1795722832037871,'Bob','approver','command','test','approve','eqcz7e6d8fr4','Crue de l’Isère [by its id]','0c13f4a0a5d2b61b091c72936e2c4b1a64337a6e2b0c955eed20439974074cca','d0d80ca2b90ae5f8da627e30ebfacfe4fb867f5b43c24146f8a76dfaeeec57a8');
CREATE TABLE bulk (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	topic VARCHAR(16) NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	districts TEXT, 
	texts TEXT NOT NULL, 
	links TEXT NOT NULL, 
	exercise BOOLEAN NOT NULL, 
	everyone BOOLEAN NOT NULL, 
	edits BOOLEAN NOT NULL, 
	cursor BIGINT, 
	total BIGINT, 
	sent BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	skipped BIGINT NOT NULL, 
	stored_at BIGINT NOT NULL, 
	expires BIGINT, 
	started_at BIGINT, 
	ended_at BIGINT, 
	reason TEXT, 
	CONSTRAINT fk_bulk_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id), 
	CONSTRAINT uq_bulk_id UNIQUE (id)
);
INSERT INTO "bulk" VALUES(1,'8ekcxxf8kegb','telegram','tfny9mbsaa6k','rrg1zqbdwezr','publish','done','weather','Severe','[]','{"fr": "Crue"}','{}',1,1,1,7,7,7,7,7,1795680000000000,7,1795680000000000,1795680000000000,NULL);
CREATE TABLE bulk_flight (
	bulk VARCHAR(26) NOT NULL, 
	chat BIGINT NOT NULL, 
	doubt BOOLEAN NOT NULL, 
	CONSTRAINT pk_bulk_flight PRIMARY KEY (bulk, chat)
)
 WITHOUT ROWID

;
INSERT INTO "bulk_flight" VALUES('8ekcxxf8kegb',1795680000000000,1);
CREATE TABLE bulk_landed (
	seq INTEGER NOT NULL, 
	bulk VARCHAR(26) NOT NULL, 
	got TEXT NOT NULL, 
	CONSTRAINT pk_bulk_landed PRIMARY KEY (seq)
);
INSERT INTO "bulk_landed" VALUES(1,'8ekcxxf8kegb','[[7, 41]]');
CREATE TABLE channel (
	name VARCHAR(100) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	blocked_until BIGINT, 
	quotas TEXT NOT NULL, 
	CONSTRAINT pk_channel PRIMARY KEY (name)
);
INSERT INTO "channel" VALUES('channel-name','ok',NULL,1795680000000000,'[]');
CREATE TABLE decision (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	post_id VARCHAR(26), 
	what VARCHAR(32) NOT NULL, 
	reason TEXT
);
INSERT INTO "decision" VALUES(1,1795722831924912,'eqcz7e6d8fr4',NULL,'waiting','it waits for a validation');
INSERT INTO "decision" VALUES(2,1795722832003231,'rrg1zqbdwezr',NULL,'waiting','it waits for a validation');
INSERT INTO "decision" VALUES(3,1795722832037871,'eqcz7e6d8fr4',NULL,'approved','by Bob');
CREATE TABLE draft (
	id VARCHAR(26) NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	about VARCHAR(26), 
	fields TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	note TEXT, 
	alert_id VARCHAR(26), 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_draft PRIMARY KEY (id)
);
INSERT INTO "draft" VALUES('draft-id','anne',NULL,'{}',1,NULL,'rrg1zqbdwezr',1795680000000000);
CREATE TABLE fact (
	channel VARCHAR(100) NOT NULL, 
	"key" VARCHAR(100) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_fact PRIMARY KEY (channel, "key")
);
INSERT INTO "fact" VALUES('telegram','fact-key','fact-value');
CREATE TABLE heard (
	source VARCHAR(100) NOT NULL, 
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_heard PRIMARY KEY (source, "key")
);
INSERT INTO "heard" VALUES('heard-source','heard-key',1795680000000000);
CREATE TABLE held_back (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	bulk VARCHAR(26) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_held_back PRIMARY KEY (channel, chat, bulk)
)
 WITHOUT ROWID

;
INSERT INTO "held_back" VALUES('telegram',1795680000000000,'8ekcxxf8kegb',1795680000000000);
CREATE TABLE idempotency (
	token VARCHAR(100) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	request VARCHAR(64) NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_idempotency PRIMARY KEY (token, "key")
);
INSERT INTO "idempotency" VALUES('idempotency-token','idempotency-key','idempotency-request',1,'idempotency-body',1795680000000000);
CREATE TABLE lease (
	lane VARCHAR(100) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_lease PRIMARY KEY (lane)
);
INSERT INTO "lease" VALUES('lease-lane','lease-owner',1795680000000000);
CREATE TABLE link_code (
	account VARCHAR(100) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_link_code PRIMARY KEY (account), 
	CONSTRAINT uq_link_code_digest UNIQUE (digest)
);
INSERT INTO "link_code" VALUES('anne','link_code-digest',1795680000000000);
CREATE TABLE look (
	account VARCHAR(100) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_look PRIMARY KEY (account, incident)
);
INSERT INTO "look" VALUES('anne','tfny9mbsaa6k','rrg1zqbdwezr',1795680000000000);
CREATE TABLE officer_asked (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	message_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_officer_asked PRIMARY KEY (channel, chat)
);
INSERT INTO "officer_asked" VALUES('telegram',1795680000000000,'rrg1zqbdwezr',7,1795680000000000);
CREATE TABLE officer_chat (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	CONSTRAINT pk_officer_chat PRIMARY KEY (channel, chat)
);
INSERT INTO "officer_chat" VALUES('telegram',1795680000000000,'anne');
CREATE TABLE officer_told (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_officer_told PRIMARY KEY (channel, chat, alert_id)
);
INSERT INTO "officer_told" VALUES('telegram',1795680000000000,'rrg1zqbdwezr',1795680000000000);
CREATE TABLE passkey (
	id TEXT NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	public_key TEXT NOT NULL, 
	sign_count BIGINT NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	created_at BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_passkey PRIMARY KEY (id), 
	CONSTRAINT fk_passkey_account FOREIGN KEY(account) REFERENCES account (folded)
);
INSERT INTO "passkey" VALUES('passkey-id','anne','passkey-public_key',7,'passkey-label',1795680000000000,1795680000000000);
CREATE TABLE post (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	means VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	priority INTEGER NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	exercise BOOLEAN NOT NULL, 
	text TEXT NOT NULL, 
	plain TEXT NOT NULL, 
	link TEXT, 
	image TEXT, 
	alt TEXT, 
	language VARCHAR(35) NOT NULL, 
	warnings TEXT NOT NULL, 
	expires BIGINT, 
	not_before BIGINT, 
	next_try BIGINT, 
	tries INTEGER NOT NULL, 
	looks INTEGER NOT NULL, 
	attempted_at BIGINT, 
	remote_id TEXT, 
	url TEXT, 
	sent_at BIGINT, 
	outcome VARCHAR(16), 
	reason TEXT, 
	stored_at BIGINT NOT NULL, 
	CONSTRAINT fk_post_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id), 
	CONSTRAINT uq_post_id UNIQUE (id)
);
INSERT INTO "post" VALUES(1,'8ekcxxf8kegb','eqcz7e6d8fr4','tfny9mbsaa6k','telegram','publish','new','sent',32,'Severe',0,'<b>Danger grave : Crue de l’Isère</b>

<b>Où :</b> Ville de Saint-Martin
<b>Quand :</b> jusqu’à demain vendredi 27 novembre à 8 h 53

<b>Que faire :</b> Mettez vos biens en hauteur. Préparez-vous à quitter votre logement si on le demande.

Évitez les berges.

<b>Les bons réflexes :</b>
• Montez à l’étage papiers, médicaments et objets de valeur.
• Sortez votre voiture du parking souterrain à l’avance.
• Coupez le gaz et l’électricité avant que l’eau n’entre.
• Ne traversez jamais une route ou un pont inondé.
• Gardez une lampe, une radio et de l’eau à portée.

<i>Ville de Saint-Martin</i>','Danger grave : Crue de l’Isère

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Mettez vos biens en hauteur. Préparez-vous à quitter votre logement si on le demande.

Évitez les berges.

Les bons réflexes :
• Montez à l’étage papiers, médicaments et objets de valeur.
• Sortez votre voiture du parking souterrain à l’avance.
• Coupez le gaz et l’électricité avant que l’eau n’entre.
• Ne traversez jamais une route ou un pont inondé.
• Gardez une lampe, une radio et de l’eau à portée.

Ville de Saint-Martin',NULL,NULL,NULL,'fr-FR','["the alert has no instruction: ours is used, check that it is right"]',1795766031000000,NULL,NULL,1,0,NULL,'41','https://t.me/saintmartin/41',1795722831924917,NULL,NULL,1795722831924912);
INSERT INTO "post" VALUES(2,'eqvthd449r0y','eqcz7e6d8fr4','tfny9mbsaa6k','page','publish','new','queued',32,'Severe',0,'Danger grave : Crue de l’Isère

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Mettez vos biens en hauteur. Préparez-vous à quitter votre logement si on le demande.

Évitez les berges.

Les bons réflexes :
• Montez à l’étage papiers, médicaments et objets de valeur.
• Sortez votre voiture du parking souterrain à l’avance.
• Coupez le gaz et l’électricité avant que l’eau n’entre.
• Ne traversez jamais une route ou un pont inondé.
• Gardez une lampe, une radio et de l’eau à portée.

Ville de Saint-Martin','Danger grave : Crue de l’Isère

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Mettez vos biens en hauteur. Préparez-vous à quitter votre logement si on le demande.

Évitez les berges.

Les bons réflexes :
• Montez à l’étage papiers, médicaments et objets de valeur.
• Sortez votre voiture du parking souterrain à l’avance.
• Coupez le gaz et l’électricité avant que l’eau n’entre.
• Ne traversez jamais une route ou un pont inondé.
• Gardez une lampe, une radio et de l’eau à portée.

Ville de Saint-Martin',NULL,NULL,NULL,'fr-FR','["the alert has no instruction: ours is used, check that it is right"]',1795766031000000,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,1795722831924912);
INSERT INTO "post" VALUES(3,'xwpfmhpy3aee','rrg1zqbdwezr','6ay587zehsge','telegram','publish','new','waiting',22,'Moderate',0,'<b>Attention : Verglas rue des Écoles</b>

<b>Où :</b> Ville de Saint-Martin
<b>Quand :</b> jusqu’à demain vendredi 27 novembre à 8 h 53

<b>Que faire :</b> Évitez de prendre la route. À pied, attention aux trottoirs glissants.

Évitez les berges.

<b>Les bons réflexes :</b>
• Renseignez-vous sur l’état des routes avant de partir.
• Emportez couvertures, eau, téléphone chargé.
• Laissez passer les engins de déneigement.
• Dégagez et salez le trottoir devant chez vous.
• N’utilisez pas un chauffage d’appoint sans aération.

<i>Ville de Saint-Martin</i>','Attention : Verglas rue des Écoles

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Évitez de prendre la route. À pied, attention aux trottoirs glissants.

Évitez les berges.

Les bons réflexes :
• Renseignez-vous sur l’état des routes avant de partir.
• Emportez couvertures, eau, téléphone chargé.
• Laissez passer les engins de déneigement.
• Dégagez et salez le trottoir devant chez vous.
• N’utilisez pas un chauffage d’appoint sans aération.

Ville de Saint-Martin',NULL,NULL,NULL,'fr-FR','["the alert has no instruction: ours is used, check that it is right"]',1795766032000000,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,1795722832003231);
INSERT INTO "post" VALUES(4,'61ew2033axmw','rrg1zqbdwezr','6ay587zehsge','page','publish','new','waiting',22,'Moderate',0,'Attention : Verglas rue des Écoles

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Évitez de prendre la route. À pied, attention aux trottoirs glissants.

Évitez les berges.

Les bons réflexes :
• Renseignez-vous sur l’état des routes avant de partir.
• Emportez couvertures, eau, téléphone chargé.
• Laissez passer les engins de déneigement.
• Dégagez et salez le trottoir devant chez vous.
• N’utilisez pas un chauffage d’appoint sans aération.

Ville de Saint-Martin','Attention : Verglas rue des Écoles

Où : Ville de Saint-Martin
Quand : jusqu’à demain vendredi 27 novembre à 8 h 53

Que faire : Évitez de prendre la route. À pied, attention aux trottoirs glissants.

Évitez les berges.

Les bons réflexes :
• Renseignez-vous sur l’état des routes avant de partir.
• Emportez couvertures, eau, téléphone chargé.
• Laissez passer les engins de déneigement.
• Dégagez et salez le trottoir devant chez vous.
• N’utilisez pas un chauffage d’appoint sans aération.

Ville de Saint-Martin',NULL,NULL,NULL,'fr-FR','["the alert has no instruction: ours is used, check that it is right"]',1795766032000000,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,1795722832003231);
CREATE TABLE received (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	message_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_received PRIMARY KEY (channel, chat, incident)
)
 WITHOUT ROWID

;
INSERT INTO "received" VALUES('telegram',1795680000000000,'tfny9mbsaa6k',7,1795680000000000);
CREATE TABLE reference (
	identifier TEXT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	CONSTRAINT pk_reference PRIMARY KEY (identifier, alert_id), 
	CONSTRAINT fk_reference_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id)
);
INSERT INTO "reference" VALUES('reference-identifier','rrg1zqbdwezr');
CREATE TABLE session (
	digest VARCHAR(64) NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	csrf VARCHAR(64) NOT NULL, 
	stage VARCHAR(16) NOT NULL, 
	challenge TEXT, 
	created_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	agent TEXT NOT NULL, 
	CONSTRAINT pk_session PRIMARY KEY (digest), 
	CONSTRAINT fk_session_account FOREIGN KEY(account) REFERENCES account (folded)
);
INSERT INTO "session" VALUES('session-digest','anne','session-csrf','open',NULL,1795680000000000,1795680000000000,1795680000000000,'session-address','session-agent');
CREATE TABLE sign_in (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	folded VARCHAR(100) NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	good BOOLEAN NOT NULL
);
INSERT INTO "sign_in" VALUES(1,1795680000000000,'sign_in-folded','sign_in-address',1);
CREATE TABLE source (
	name VARCHAR(100) NOT NULL, 
	etag TEXT, 
	last_modified TEXT, 
	digest TEXT, 
	memory TEXT NOT NULL, 
	last_try BIGINT, 
	last_ok BIGINT, 
	failures INTEGER NOT NULL, 
	next_try BIGINT, 
	reason TEXT, 
	CONSTRAINT pk_source PRIMARY KEY (name)
);
INSERT INTO "source" VALUES('source-name',NULL,NULL,NULL,'{}',7,7,1,7,NULL);
CREATE TABLE subscriber (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	language VARCHAR(8) NOT NULL, 
	districts TEXT NOT NULL, 
	topics TEXT NOT NULL, 
	severity INTEGER NOT NULL, 
	quiet VARCHAR(11), 
	step TEXT, 
	is_on BOOLEAN NOT NULL, 
	CONSTRAINT pk_subscriber PRIMARY KEY (channel, chat)
)
 WITHOUT ROWID

;
INSERT INTO "subscriber" VALUES('telegram',1795680000000000,'fr','[]','[]',1,NULL,NULL,1);
CREATE TABLE token (
	id VARCHAR(26) NOT NULL, 
	folded VARCHAR(100) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by VARCHAR(100) NOT NULL, 
	used_at BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT pk_token PRIMARY KEY (id), 
	CONSTRAINT uq_token_digest UNIQUE (digest)
);
INSERT INTO "token" VALUES('token-id','token-folded','token-name','viewer','token-digest',1795680000000000,'token-created_by',1795680000000000,1795680000000000);
CREATE INDEX ix_alert_content_key ON alert (content_key);
CREATE INDEX ix_alert_expires ON alert (expires);
CREATE INDEX ix_alert_headline ON alert (headline);
CREATE INDEX ix_alert_identifier ON alert (identifier);
CREATE INDEX ix_alert_incident ON alert (incident);
CREATE INDEX ix_alert_open ON alert (state, closed_at, expires);
CREATE INDEX ix_alert_topic ON alert (topic);
CREATE INDEX ix_decision_alert_id ON decision (alert_id);
CREATE INDEX ix_post_alert_id ON post (alert_id);
CREATE INDEX ix_post_lane ON post (channel, state, priority DESC, seq);
CREATE INDEX ix_post_sent ON post (channel, sent_at);
CREATE INDEX ix_post_thread ON post (incident, channel, seq);
CREATE INDEX ix_attempt_open ON attempt (channel, ended_at);
CREATE INDEX ix_attempt_pace ON attempt (channel, counts, left_at);
CREATE INDEX ix_attempt_post_id ON attempt (post_id);
CREATE INDEX ix_audit_subject ON audit (subject);
CREATE INDEX ix_draft_account ON draft (account);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_sign_in_address ON sign_in (address, at);
CREATE INDEX ix_sign_in_name ON sign_in (folded, at);
CREATE INDEX ix_token_folded ON token (folded);
CREATE INDEX ix_passkey_account ON passkey (account);
CREATE INDEX ix_session_account ON session (account);
CREATE INDEX ix_session_expires_at ON session (expires_at);
CREATE INDEX ix_alert_on ON alert (severity, expires) WHERE state = 'accepted' AND closed_at IS NULL;
CREATE INDEX ix_alert_held ON alert (state) WHERE state IN ('waiting', 'left_out', 'rejected');
CREATE INDEX ix_alert_source ON alert (source) WHERE source <> '';
CREATE INDEX ix_post_open ON post (state, priority, seq) WHERE state IN ('waiting', 'queued', 'sending', 'in_doubt', 'failed');
CREATE INDEX ix_post_sent_at ON post (sent_at);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
CREATE INDEX ix_held_back_until ON held_back (channel, until);
CREATE INDEX ix_received_incident ON received (channel, incident, chat);
CREATE INDEX ix_officer_chat_account ON officer_chat (account);
CREATE INDEX ix_bulk_alert_id ON bulk (alert_id);
CREATE INDEX ix_bulk_incident ON bulk (incident);
CREATE INDEX ix_bulk_work ON bulk (channel, state, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',4);
INSERT INTO "sqlite_sequence" VALUES('alert',2);
INSERT INTO "sqlite_sequence" VALUES('decision',3);
INSERT INTO "sqlite_sequence" VALUES('post',4);
INSERT INTO "sqlite_sequence" VALUES('attempt',1);
INSERT INTO "sqlite_sequence" VALUES('sign_in',1);
INSERT INTO "sqlite_sequence" VALUES('bulk',1);
COMMIT;
