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
	handle VARCHAR(64), 
	changes_read_at BIGINT, 
	CONSTRAINT pk_account PRIMARY KEY (folded)
);
INSERT INTO "account" VALUES('demo','demo','administrator','$argon2id$v=19$m=65536,t=3,p=4$5pcEqJfaq4B/OphtCYb2jQ$6yWP/TO9AhJtKxfJ3i+Z310AKXhRgUIyuXi3BHcV0jw',0,NULL,NULL,0,1796119850293876,NULL,NULL,NULL,NULL);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO "alembic_version" VALUES('0025');
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
	closed_at BIGINT, 
	author TEXT, 
	CONSTRAINT uq_alert_id UNIQUE (id)
);
INSERT INTO "alert" VALUES(1,'k8f2npbtdn8z','1hkqmfw27t5z','manual','tocsin-tmap53e05g6f','alertes@saint-martin.example',1796119854000000,'Actual','Alert','Moderate','Coupure d''eau rue des Tanneurs jusqu''à ce soir',1796141700000000,'accepted',NULL,'4714a07ca42c1c88d7482f74d925d40a8d42b06cf4623c55d86fa7817a0b6159','3c804cd2bc20954c6a8f477344cc365fd086a269a72d652da366eafebd8fb52e','[]','{"identifier":"tocsin-tmap53e05g6f","sender":"alertes@saint-martin.example","sent":"2026-12-01T11:10:54+01:00","infos":[{"event":"Coupure d''eau","urgency":"Immediate","severity":"Moderate","certainty":"Likely","categories":["Safety"],"language":"fr-FR","expires":"2026-12-01T17:15:00+01:00","sender_name":"Ville de Saint-Martin","headline":"Coupure d''eau rue des Tanneurs jusqu''à ce soir","description":"Une canalisation s''est rompue. Une citerne d''eau potable est en place devant l''école Pasteur.","instruction":"Ne buvez pas l''eau du robinet avant qu''elle soit claire ; faites-la couler cinq minutes.","areas":[{"description":"Ville de Saint-Martin","geocodes":[{"name":"INSEE","value":"38185"},{"name":"NUTS3","value":"FR714"}]}]}]}',1796119854416829,NULL,NULL);
INSERT INTO "alert" VALUES(2,'6atsvwdxjqw3','ydkpzaxyfj68','meteo','2.49.0.0.250.0.DEMO.20261201101045','vigilance@meteo.example',1796119845000000,'Actual','Alert','Severe','Orages violents attendus en Isère',1796141445000000,'accepted',NULL,'5d6f48eb48b25b47be544fc3f3cb6ba9c8adb413e33515f5873807bd1fa82371','4bf592e86d34ea2ba826042e6d0e81da559752a4d3f9427c567e0547d03bff71','[]','{"identifier":"2.49.0.0.250.0.DEMO.20261201101045","sender":"vigilance@meteo.example","sent":"2026-12-01T11:10:45+01:00","infos":[{"event":"Vigilance orange orages","urgency":"Immediate","severity":"Severe","certainty":"Likely","categories":["Met"],"language":"fr-FR","response_types":["Prepare"],"effective":"2026-12-01T11:10:45+01:00","onset":"2026-12-01T11:10:45+01:00","expires":"2026-12-01T17:10:45+01:00","sender_name":"Météo (démo)","headline":"Orages violents attendus en Isère","description":"Des orages violents traversent le département d''ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.","instruction":"Mettez-vous à l''abri dans un bâtiment. N''allez pas sous les arbres. Évitez de vous déplacer.","web":"https://vigilance.meteo.example/isere","parameters":[{"name":"awareness_level","value":"3; orange; Severe"},{"name":"awareness_type","value":"3; Thunderstorm"}],"areas":[{"description":"Isère","geocodes":[{"name":"NUTS3","value":"FR714"}]}]}]}',1796119857375806,NULL,NULL);
INSERT INTO "alert" VALUES(3,'w8eyhfnwd8wx','aqcbbzjrx06z','travaux','works-2489054ec481f3d9-0-before-1440m-e0f8bf4a','alertes@saint-martin.example',1796119900000000,'Actual','Alert','Minor','Rue de la République fermée pour travaux',1796292645000000,'accepted',NULL,'fe996c39b124505143714e7b95a2ec237cf5046cd58530c9a7ba8b8275eefc9c',NULL,'[]','{"identifier":"works-2489054ec481f3d9-0-before-1440m-e0f8bf4a","sender":"alertes@saint-martin.example","sent":"2026-12-01T10:11:40+00:00","infos":[{"event":"Travaux","urgency":"Future","severity":"Minor","certainty":"Likely","categories":["Transport"],"language":"fr-FR","onset":"2026-12-01T13:10:45+01:00","expires":"2026-12-03T11:10:45+01:00","sender_name":"Ville de Saint-Martin","headline":"Rue de la République fermée pour travaux","description":"Réfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l''avenue Jean-Jaurès, accès riverains à pied.","web":"https://saint-martin.example/travaux","parameters":[{"name":"tocsin:hazard","value":"works"},{"name":"tocsin:step","value":"before"}],"areas":[{"description":"Rue de la République","geocodes":[{"name":"INSEE","value":"38185"},{"name":"NUTS3","value":"FR714"}]}]}]}',1796119928052140,NULL,NULL);
INSERT INTO "alert" VALUES(4,'cq6meyfvj0me','cq6meyfvj0me','tocsin-polls',NULL,NULL,NULL,NULL,NULL,'Unknown',NULL,NULL,'accepted',NULL,NULL,NULL,'[]',NULL,1796119934272550,1796119934272550,'demo');
INSERT INTO "alert" VALUES(5,'z4cj1ttedxx6','7j42rztfbttz','reports','tocsin-dpayv4sg5cez','alertes@saint-martin.example',1796119935000000,'Actual','Alert','Moderate','Rue inondée (non confirmé), selon plusieurs habitants',1796141700000000,'accepted','{"code":"validated","who":"demo"}','f9f6000a6dd0318c2b81563a7acb402802630708dba9d8e882a3c19b8a3ff3e6',NULL,'[]','{"identifier":"tocsin-dpayv4sg5cez","sender":"alertes@saint-martin.example","sent":"2026-12-01T11:12:15+01:00","infos":[{"event":"Rue inondée","urgency":"Expected","severity":"Moderate","certainty":"Possible","categories":["Safety"],"language":"fr-FR","onset":"2026-12-01T11:12:15+01:00","expires":"2026-12-01T17:15:00+01:00","sender_name":"Ville de Saint-Martin","headline":"Rue inondée (non confirmé), selon plusieurs habitants","description":"Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.","instruction":"N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.","parameters":[{"name":"tocsin:hazard","value":"rain-flood"},{"name":"tocsin:cluster","value":"flooding 45.1885,5.7095 580"}],"areas":[{"description":"Ville de Saint-Martin","circles":[{"centre":[45.1885,5.7095],"radius":0.58}],"geocodes":[{"name":"INSEE","value":"38185"},{"name":"NUTS3","value":"FR714"}]}]}]}',1796119935813868,NULL,NULL);
PRAGMA writable_schema=ON;
INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('table','alert_words','alert_words',0,'CREATE VIRTUAL TABLE alert_words USING fts5(words, content='''', tokenize=''trigram'')');
CREATE TABLE 'alert_words_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO "alert_words_config" VALUES('version',4);
CREATE TABLE 'alert_words_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO "alert_words_data" VALUES(1,X'05825E');
INSERT INTO "alert_words_data" VALUES(10,X'000000000105050005010101020101030101040101050101');
INSERT INTO "alert_words_data" VALUES(137438953473,X'0000023204300A6B380102300202746F01023D01032063650102280202642701020903016501021302026A750102200202727501020F0202736F01022B0202746101021701032761200102260202656101020B01032D746D010244010330356701024C0103326E70010234010333653001024A01033533650102490202673601024D010338663201023202027A0A01023B010361206301022702026E6E010219020270350102470202752001020D0103627464010237010363652001022902026F7501020202027369010240010364276501020A0202657301021402026E3801023901036520640104080C03017301022A0202303501024B0202617501020C020273200102150202757201021C010366326E010233010367366601024E0103696E2D0102420202720A01022E01036A757301022101036B386601023101036D617001024601036E2D740102430202387A01023A0202657501021B02026E6501021A0202706201023501036F637301023F0202697201022D020275700102030103703533010248020262740102360202757201020501037175270102240103720A6B01022F020265200102070202732001021E02027565010210010373206A01021F0301740102160202696E01024102026F6901022C02027175010223010374616E0102180202646E01023802026D6101024502026F6301023E010375207201020E0202276101022502026520010211020270750102040202726501020603017301021D0202737101022201037A0A7401023C04080708070607070707080708080808080708070807070708080707080707090607070707080808070808080807070707080707080707080807070708060707070807070708070707070607');
INSERT INTO "alert_words_data" VALUES(274877906945,X'0000022C04300A322E0202300202366102022301032061740202110202656E02021A0202697302021D0202766902020801032E302E020635040802023230020244030135020239020234390202320202646502023F0103302E300204360803013202023803016402023E0202313002024E03013102024B0202323602024602023435020250010331303102024D03013402024F0202313002024C020232300202490103322E340202310202303102024A0301320202450202353002023A020236310202470103330A3202022F010334392E020233010335302E02023B0103363132020248020261740202240103392E30020234010361676502020402027473020225030174020212010364656D020240020275730202170202786A02022A0103650A3602022202026D6F02024102026E2002021B03016402021503017402020D020272650202200202732002020601036765730202050103696F6C02020A0202736502021E01036A717702022C01036C656E02020C01036D6F2E02024201036E206902021C020264750202160202747302020E01036F2E3202024302026C6502020B02027261020202010371773302022D01037261670202030202650A02022101037320610202100301650202190301760202070202657202021F02027677020227010374656E0202140202732002020F030176020226020274650202130103757320020218010376696F02020902027764020228010377330A02022E020264780202290103786A7102022B040807080707070A0706070709060607060707080607070807060707080808080708080706080707080707060607070808070808080807070807070808070806060707080706070808070807');
INSERT INTO "alert_words_data" VALUES(412316860417,X'000002C104300A773803022A03016F03023701032064650302050202666503021602026C610302080202706F03021D0202726503020B0202747203022201032D302D03024E020231340302570202323403023D020262650302500202653003025D0103302D6203024F020235340302420202663803025F02026D2D03025B010331343403025802026633030249010332343803023E010333643903024B010334306D03025A020234300302590202383103024703013903023F020265630302440103353465030243010338316603024802023930030240020262660302610202657903022C020277780302340103392D3003024D02023035030241010361207203020A020275780302270202766103022501036265660302510202663403026202026C69030210010363343803024601036438770302330202392D03024C02026520030206010365206403020403016603021503016C03020703017003021C02022D310302560202306603025E020263340302450202652003021B0202666F0302520202707503020D0202726D0302180202796803022D010366336403024A02023461030263020238620302600202657203021702026E7703023002026F72030253010368666E03022F010369717503021201036B732D03023B01036C61200302090202697103021101036D2D6503025C0202656503021A01036E776403023101036F726503025403016B0302390202757203021F0103706F7503021E0202756203020E01037175650302130103722074030221020261760302240202652D03025503017003020C02026B7303023A02026D65030219020275650302020103732D3203023C0103747261030223010375626C03020F0202652003040313020272200302200202780A0302280103766175030226010377386503022B0202643803023202026F720302380202780A0302350103780A770304290F010379686603022E040806080707070707080707070708070707080708080807070607080807070707080708070708070708080707080606060707070707070707080707070707080808080708070808060708070808070706070707080808080707080807070709');
INSERT INTO "alert_words_data" VALUES(549755813889,X'0000006204300A63710402020103306D6504020C0103366D6504020501036371360402030103657966040207010366766A04020901036A306D04020B01036D650A04020D030179040206010371366D0402040103766A3004020A0103796676040208040808080808080808060808');
INSERT INTO "alert_words_data" VALUES(687194767361,X'0000025F04300A746F05024402027A34050237010320286E05020D0202636F0502120202686105022D0202696E0502050202706C0502230202736505021D0103286E6F05020E0103292C2005021B01032C207305021C01032D647005024B010331747405023C010334636A0502390202736705025101033563650502540103360A74050243010361626905022F02026E740502330202797605024E0103626974050230010363657A05025502026A3105023A02026F6E05021302027369050247010364656505020A0202706105024C02027878050240010365202805020C0301690502040202292C05021A0202647805023F0202652005020B02026C6F05021F0202757205022901036669720502160103673563050253010368616205022E010369657505022802026E2D05024903016F0502060202726D0502170202746105023101036A317405023B01036C6F6E0502200202757305022501036D652905021901036E206305021103017005022202022D6405024A020264650502090202666905021502026F6E0504070A0202747305023401036F637305024602026E2005041013030164050208030166050214010370617905024D02026C750502240103726D650502180202732005022B020275650502020103730A7A0502360202206805022C0202656C05021E020267350502520202696505022703016E050248010374616E0502320202656405023E02026F630502450202730A0502350202746505023D01037565200502030202727305022A020273690502260103763473050250010378360A05024202027836050241010379763405024F01037A346305023804080708070707070708080808080807080808070708080707070807070806070707070708080808070607070808070808060707070807080806060807080707080707070706080707070708070708080708');
CREATE TABLE 'alert_words_docsize'(id INTEGER PRIMARY KEY, sz BLOB);
INSERT INTO "alert_words_docsize" VALUES(1,X'4D');
INSERT INTO "alert_words_docsize" VALUES(2,X'4F');
INSERT INTO "alert_words_docsize" VALUES(3,X'62');
INSERT INTO "alert_words_docsize" VALUES(4,X'0C');
INSERT INTO "alert_words_docsize" VALUES(5,X'54');
CREATE TABLE 'alert_words_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
INSERT INTO "alert_words_idx" VALUES(1,X'',2);
INSERT INTO "alert_words_idx" VALUES(2,X'',2);
INSERT INTO "alert_words_idx" VALUES(3,X'',2);
INSERT INTO "alert_words_idx" VALUES(4,X'',2);
INSERT INTO "alert_words_idx" VALUES(5,X'',2);
CREATE TABLE answer (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	question VARCHAR(26) NOT NULL, 
	version INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	language VARCHAR(35) NOT NULL, 
	source VARCHAR(26) NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	everywhere BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	validated_by VARCHAR(100), 
	validated_at BIGINT, 
	given_to VARCHAR(16), 
	asked TEXT, 
	incident VARCHAR(26), 
	next_ones BOOLEAN, 
	digest VARCHAR(64), 
	CONSTRAINT uq_answer_id UNIQUE (id)
);
INSERT INTO "answer" VALUES(1,'45y1wh43ms6e','s4hhz3e0zb7m',1,'Pas encore : attendez qu''elle soit claire. De l''eau potable est distribuée devant l''école Pasteur.','fr-FR','officer','demo','accepted',0,1796119933820505,NULL,NULL,'question','L''eau du robinet est-elle potable ?','1hkqmfw27t5z',0,'869c8bfc9ec22a7138962607f8a5b1cb29660d9bf05f8aa9114831ddc7afbf90');
CREATE TABLE archive (
	name VARCHAR(26) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	kept BLOB, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_archive PRIMARY KEY (name)
);
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
INSERT INTO "attempt" VALUES(1,'376vt7rrphav','x','send','vm-5445-6dqbyek0b8az',1,1796119858263603,1796119858515227,'sent','2127707016695644160',NULL);
INSERT INTO "attempt" VALUES(2,'kxv626942qes','page','send','vm-5445-6dqbyek0b8az',1,1796119858263654,1796119858515383,'sent','1234567890_122100000000000001',NULL);
INSERT INTO "attempt" VALUES(3,'nm36jw07p2sq','telegram','send','vm-5445-6dqbyek0b8az',1,1796119858263673,1796119858642027,'sent','1',NULL);
INSERT INTO "attempt" VALUES(4,'vw8bdf7yqxke','x','send','vm-5445-6dqbyek0b8az',1,1796119858671926,1796119858791285,'sent','2127707018272702464',NULL);
INSERT INTO "attempt" VALUES(5,'zsb73xc27z9d','page','send','vm-5445-6dqbyek0b8az',1,1796119858671968,1796119858791418,'sent','1234567890_122100000000000002',NULL);
INSERT INTO "attempt" VALUES(6,'6914y1zb3mbf','telegram','send','vm-5445-6dqbyek0b8az',1,1796119859404165,1796119859452222,'sent','2',NULL);
INSERT INTO "attempt" VALUES(7,'241whzg7m4hb','x','send','vm-5445-6dqbyek0b8az',1,1796119928280628,1796119928356335,'sent','2127707310154317824',NULL);
INSERT INTO "attempt" VALUES(8,'80jqqm3f246f','page','send','vm-5445-6dqbyek0b8az',1,1796119928280681,1796119928356475,'sent','1234567890_122100000000000003',NULL);
INSERT INTO "attempt" VALUES(9,'t0814d23cm5x','telegram','send','vm-5445-6dqbyek0b8az',1,1796119928280698,1796119928357328,'sent','3',NULL);
INSERT INTO "attempt" VALUES(10,'rtbhd30km96v','page','send','vm-5445-6dqbyek0b8az',1,1796119934016136,1796119934162468,'sent','122100000000000001_122100000000000007',NULL);
INSERT INTO "attempt" VALUES(11,'d1axgvbvp4hf','page','send','vm-5445-6dqbyek0b8az',1,1796119934016231,1796119934162622,'sent','122100000000000001_122100000000000008',NULL);
INSERT INTO "attempt" VALUES(12,'cjpas9b0qk8x','page','send','vm-5445-6dqbyek0b8az',1,1796119934016260,1796119934162746,'sent','122100000000000001_122100000000000009',NULL);
INSERT INTO "attempt" VALUES(13,'bvwkz8m3ex13','page','send','vm-5445-6dqbyek0b8az',1,1796119934016283,1796119934209955,'sent','122100000000000001_122100000000000010',NULL);
INSERT INTO "attempt" VALUES(14,'e0g9fqtke14f','telegram','send','vm-5445-6dqbyek0b8az',1,1796119934539850,1796119934573193,'sent','4',NULL);
INSERT INTO "attempt" VALUES(15,'4afwhaqwn4yz','telegram','send','vm-5445-6dqbyek0b8az',1,1796119934818376,1796119934859840,'sent',NULL,NULL);
INSERT INTO "attempt" VALUES(16,'17ndvd7nxxr2','x','send','vm-5445-6dqbyek0b8az',1,1796119936388799,1796119936516533,'sent','2127707344300146688',NULL);
INSERT INTO "attempt" VALUES(17,'nm4f4zvmn8re','page','send','vm-5445-6dqbyek0b8az',1,1796119936388854,1796119936516740,'sent','1234567890_122100000000000011',NULL);
INSERT INTO "attempt" VALUES(18,'pj12qnsfgfr8','telegram','send','vm-5445-6dqbyek0b8az',1,1796119936388877,1796119936518051,'sent','5',NULL);
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
INSERT INTO "audit" VALUES(1,1796119850293876,'demo','administrator','command','','account added','demo','administrator','0000000000000000000000000000000000000000000000000000000000000000','13ed5f94539ca137dd2f03716f549258c2359ca2a21fa20a9829d7570d1f3dc0');
INSERT INTO "audit" VALUES(2,1796119933820505,'demo','administrator','command','','answer','s4hhz3e0zb7m','45y1wh43ms6e v1: L''eau du robinet est-elle potable ? – Pas encore : attendez qu''elle soit claire. De l''eau potable est distribuée devant l''école Pasteur. [869c8bfc9ec22a7138962607f8a5b1cb29660d9bf05f8aa9114831ddc7afbf90]','13ed5f94539ca137dd2f03716f549258c2359ca2a21fa20a9829d7570d1f3dc0','2bd0f71ac8b442611ba65447e3361fe188e76954692522724f242e9521914721');
INSERT INTO "audit" VALUES(3,1796119934272550,'demo','administrator','command','','consult','cq6meyfvj0me','asks: Ouvrir la halle aussi le dimanche ? [Oui, Non]','2bd0f71ac8b442611ba65447e3361fe188e76954692522724f242e9521914721','26d0d920989504b7e56c681edd0b980707a6d69695217572a002ca1d178b011d');
INSERT INTO "audit" VALUES(4,1796119934739765,'demo','administrator','command','','consult','cq6meyfvj0me','closes it before its time','26d0d920989504b7e56c681edd0b980707a6d69695217572a002ca1d178b011d','39a8797f8f8a2477ac57102c9326794c9d2df8acb74faa059f2abe7f4bed313a');
INSERT INTO "audit" VALUES(5,1796119934956211,'demo','administrator','command','','token added','sandbox','8v07bfnbkqff reporter','39a8797f8f8a2477ac57102c9326794c9d2df8acb74faa059f2abe7f4bed313a','1c8500b6ff99cfa5d7d2c9a70933e8c05602e39e831282f5d920034cbd2cc9f4');
INSERT INTO "audit" VALUES(6,1796119935195741,'sandbox','reporter','api','127.0.0.1','report','SM-26-0001','report added','1c8500b6ff99cfa5d7d2c9a70933e8c05602e39e831282f5d920034cbd2cc9f4','b33bf9dd4f85022b9419ee6b3a5144cd9b0b71a42f800b7eceff63588b2825ad');
INSERT INTO "audit" VALUES(7,1796119935356183,'sandbox','reporter','api','127.0.0.1','report','SM-26-0002','report added','b33bf9dd4f85022b9419ee6b3a5144cd9b0b71a42f800b7eceff63588b2825ad','56bb91500768249a8f3cf588d6f1122e8a23edaf65b33304756d40bc05b752aa');
INSERT INTO "audit" VALUES(8,1796119935429349,'sandbox','reporter','api','127.0.0.1','report','SM-26-0003','report added','56bb91500768249a8f3cf588d6f1122e8a23edaf65b33304756d40bc05b752aa','78043389019705d9d314152433525263519ea641628a5a57d86b5b72af48e911');
INSERT INTO "audit" VALUES(9,1796119935532359,'sandbox','reporter','api','127.0.0.1','report','SM-26-0004','report added','78043389019705d9d314152433525263519ea641628a5a57d86b5b72af48e911','eeec702ffa724d4efe6bff5b3bcc2b0f36c1c8839635ef5e435b4eb5047b0176');
INSERT INTO "audit" VALUES(10,1796119935601370,'sandbox','reporter','api','127.0.0.1','report','SM-26-0005','report added','eeec702ffa724d4efe6bff5b3bcc2b0f36c1c8839635ef5e435b4eb5047b0176','8002eb8a18008493b1204afce124e8b14d6a4a50562cdf0094c00a08f30b7240');
INSERT INTO "audit" VALUES(11,1796119936228873,'demo','administrator','command','','approve','z4cj1ttedxx6','Rue inondée (non confirmé), selon plusieurs habitants [by its id]','8002eb8a18008493b1204afce124e8b14d6a4a50562cdf0094c00a08f30b7240','3cea6f2fd4c55c71697f7e405db48c7621b56b2dbe3a31e2dc28ffc261a8a2f8');
CREATE TABLE ballot (
	poll VARCHAR(26) NOT NULL, 
	voter VARCHAR(32) NOT NULL, 
	place VARCHAR(100) NOT NULL, 
	nonce VARCHAR(16) NOT NULL, 
	mark VARCHAR(32) NOT NULL, 
	minute BIGINT NOT NULL, 
	network VARCHAR(32), 
	CONSTRAINT pk_ballot PRIMARY KEY (poll, voter), 
	CONSTRAINT fk_ballot_poll FOREIGN KEY(poll) REFERENCES poll (id)
);
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
	hazard VARCHAR(32), 
	CONSTRAINT uq_bulk_id UNIQUE (id), 
	CONSTRAINT fk_bulk_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id)
);
INSERT INTO "bulk" VALUES(1,'nm36jw07p2sq','telegram','1hkqmfw27t5z','k8f2npbtdn8z','publish','done','water','Moderate',NULL,'{"fr": "Ville de Saint-Martin\n\n<b>Coupure d’eau rue des Tanneurs jusqu’à ce soir</b>\n\n<b>Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.</b>\n\n<b>Quand :</b> jusqu’à 17 h 15 aujourd’hui mardi 1er décembre\n\nUne canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.\n\n<b>Les bons réflexes :</b>\n• Arrêtez lave-linge, lave-vaisselle, chauffe-eau.\n• Au retour de l’eau : laissez-la couler jusqu’à ce qu’elle soit claire, gardez cette eau pour le ménage.\n• Eau trouble ou qui sent ? N’en buvez pas, appelez votre service des eaux.\n\nPlus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z", "en": "Ville de Saint-Martin\n\n<b>Water off – water cut (Coupure d’eau rue des Tanneurs jusqu’à ce soir)</b>\n\n<b>Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.</b>\n\n<b>When:</b> until 5:15pm today, Tuesday 1 December\n\nUne canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.\n\nOriginal text in French.\n\n<b>Stay safe:</b>\n• Switch off washing machine, dishwasher, water heater.\n• When the water is back: run it until it is clear, keep that water for cleaning.\n• Cloudy or smelly? Don’t drink it, call your water company.\n\nMore information: http://127.0.0.1:8080/alerts/1hkqmfw27t5z"}','{"fr": "http://127.0.0.1:8080/alerts/1hkqmfw27t5z", "en": "http://127.0.0.1:8080/alerts/1hkqmfw27t5z"}',0,1,0,9223372036854775807,1,0,0,1,1796119854417396,1796141700000000,1796119856718192,1796119856718192,NULL,'water-cut');
INSERT INTO "bulk" VALUES(2,'6914y1zb3mbf','telegram','ydkpzaxyfj68','6atsvwdxjqw3','publish','done','weather','Severe',NULL,'{"fr": "<b>Vigilance orange – Orages violents attendus en Isère</b>\n<b>Où :</b> Isère\n\n<b>Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.</b>\n\n<b>Quand :</b> jusqu’à 17 h 10 aujourd’hui mardi 1er décembre\n\nDes orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.\n\n<b>Les bons réflexes :</b>\n• Pendant l’orage : évitez le téléphone fixe et les appareils électriques.\n• En voiture : arrêtez-vous loin des arbres, restez dedans, vitres fermées.\n• Camping : gagnez un bâtiment en dur.\n• Blessés ? Appelez le 112, ou le 114 par SMS.\n\n<i>Source : Météo (démo)</i>\nPlus d’informations : http://127.0.0.1:8080/alerts/ydkpzaxyfj68", "en": "<b>Orange warning – thunderstorms (Orages violents attendus en Isère)</b>\n<b>Where:</b> Isère\n\n<b>Stay in a building. Put off outings, especially in the mountains and on water.</b>\n\n<b>When:</b> until 5:10pm today, Tuesday 1 December\n\nMettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.\nDes orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.\n\nOriginal text in French.\n\n<b>Stay safe:</b>\n• During the storm: avoid landline phones and appliances.\n• In a car: stop away from trees, stay inside, windows closed.\n• Camping: go to a solid building.\n• Anyone hurt? Call 112, or text 114.\n\n<i>Source: Météo (démo)</i>\nMore information: http://127.0.0.1:8080/alerts/ydkpzaxyfj68"}','{"fr": "http://127.0.0.1:8080/alerts/ydkpzaxyfj68", "en": "http://127.0.0.1:8080/alerts/ydkpzaxyfj68"}',0,1,0,9223372036854775807,1,1,0,0,1796119857377349,1796141445000000,1796119858030474,1796119858573156,NULL,'storm');
INSERT INTO "bulk" VALUES(3,'t0814d23cm5x','telegram','aqcbbzjrx06z','w8eyhfnwd8wx','publish','done','works','Minor',NULL,'{"fr": "Ville de Saint-Martin\n\n<b>Rue de la République fermée pour travaux</b>\n\n<b>Respectez la signalisation sur place.</b>\n\n<b>Où :</b> Rue de la République\n<b>Quand :</b> du mardi 1er décembre à 13 h 10 au jeudi 3 décembre à 11 h 10\n\nRéfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.\n\n<b>Les bons réflexes :</b>\n• Laissez passer les secours.\n• Ne franchissez pas les barrières.\n\nPlus d’informations : http://127.0.0.1:8080/alerts/aqcbbzjrx06z", "en": "Ville de Saint-Martin\n\n<b>Roadworks (Rue de la République fermée pour travaux)</b>\n\n<b>Follow the signs on site.</b>\n\n<b>Where:</b> Rue de la République\n<b>When:</b> from Tuesday 1 December, 1:10pm to Thursday 3 December, 11:10am\n\nRéfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.\n\nOriginal text in French.\n\n<b>Stay safe:</b>\n• Let emergency vehicles pass.\n• Don’t go past the barriers.\n\nMore information: http://127.0.0.1:8080/alerts/aqcbbzjrx06z"}','{"fr": "http://127.0.0.1:8080/alerts/aqcbbzjrx06z", "en": "http://127.0.0.1:8080/alerts/aqcbbzjrx06z"}',0,1,0,9223372036854775807,1,0,0,1,1796119928052735,1796292645000000,1796119928248418,1796119928248418,NULL,'works');
INSERT INTO "bulk" VALUES(4,'pj12qnsfgfr8','telegram','7j42rztfbttz','z4cj1ttedxx6','publish','done','flood','Moderate',NULL,'{"fr": "Ville de Saint-Martin\n\n<b>Attention – Rue inondée (non confirmé), selon plusieurs habitants</b>\n\n<b>N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.</b>\n\n<b>Quand :</b> jusqu’à 17 h 15 aujourd’hui mardi 1er décembre\n\nNon confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.\n\nPlus d’informations : http://127.0.0.1:8080/alerts/7j42rztfbttz", "en": "Ville de Saint-Martin\n\n<b>Be aware – Rue inondée (non confirmé), selon plusieurs habitants</b>\n\n<b>N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.</b>\n\n<b>When:</b> until 5:15pm today, Tuesday 1 December\n\nNon confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.\n\nOriginal text in French.\n\nMore information: http://127.0.0.1:8080/alerts/7j42rztfbttz"}','{"fr": "http://127.0.0.1:8080/alerts/7j42rztfbttz", "en": "http://127.0.0.1:8080/alerts/7j42rztfbttz"}',0,1,0,9223372036854775807,1,0,0,1,1796119935814454,1796141700000000,1796119936228531,1796119936228531,NULL,'rain-flood');
CREATE TABLE bulk_flight (
	bulk VARCHAR(26) NOT NULL, 
	chat BIGINT NOT NULL, 
	doubt BOOLEAN NOT NULL, 
	CONSTRAINT pk_bulk_flight PRIMARY KEY (bulk, chat)
)
 WITHOUT ROWID

;
CREATE TABLE bulk_landed (
	seq INTEGER NOT NULL, 
	bulk VARCHAR(26) NOT NULL, 
	got TEXT NOT NULL, 
	CONSTRAINT pk_bulk_landed PRIMARY KEY (seq)
);
CREATE TABLE channel (
	name VARCHAR(100) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	blocked_until BIGINT, 
	quotas TEXT NOT NULL, 
	CONSTRAINT pk_channel PRIMARY KEY (name)
);
CREATE TABLE content_notice (
	id VARCHAR(26) NOT NULL, 
	report VARCHAR(26) NOT NULL, 
	why TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	name TEXT, 
	email TEXT, 
	answer TEXT, 
	"by" VARCHAR(100), 
	CONSTRAINT pk_content_notice PRIMARY KEY (id)
);
CREATE TABLE daemon (
	owner VARCHAR(64) NOT NULL, 
	host VARCHAR(100) NOT NULL, 
	since BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	url TEXT NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	wants TEXT NOT NULL, 
	standing TEXT NOT NULL, 
	CONSTRAINT pk_daemon PRIMARY KEY (owner)
);
CREATE TABLE decision (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	post_id VARCHAR(26), 
	what VARCHAR(32) NOT NULL, 
	reason TEXT
);
INSERT INTO "decision" VALUES(1,1796119854417396,'k8f2npbtdn8z',NULL,'accepted','{"code":"taken_in","source":"manual","publish":"auto"}');
INSERT INTO "decision" VALUES(2,1796119856718192,'k8f2npbtdn8z','nm36jw07p2sq','bulk_begun',NULL);
INSERT INTO "decision" VALUES(3,1796119856718192,'k8f2npbtdn8z','nm36jw07p2sq','bulk_done','{"code":"bulk_done","sent":0,"failed":0,"skipped":1}');
INSERT INTO "decision" VALUES(4,1796119857377349,'6atsvwdxjqw3',NULL,'accepted','{"code":"taken_in","source":"meteo","publish":"auto"}');
INSERT INTO "decision" VALUES(5,1796119858030474,'6atsvwdxjqw3','6914y1zb3mbf','bulk_begun',NULL);
INSERT INTO "decision" VALUES(6,1796119858573156,'6atsvwdxjqw3','6914y1zb3mbf','bulk_done','{"code":"bulk_done","sent":1,"failed":0,"skipped":0}');
INSERT INTO "decision" VALUES(7,1796119928052735,'w8eyhfnwd8wx',NULL,'accepted','{"code":"taken_in","source":"travaux","publish":"auto"}');
INSERT INTO "decision" VALUES(8,1796119928248418,'w8eyhfnwd8wx','t0814d23cm5x','bulk_begun',NULL);
INSERT INTO "decision" VALUES(9,1796119928248418,'w8eyhfnwd8wx','t0814d23cm5x','bulk_done','{"code":"bulk_done","sent":0,"failed":0,"skipped":1}');
INSERT INTO "decision" VALUES(10,1796119933820505,'k8f2npbtdn8z',NULL,'answered','{"code":"answer_told","question":"s4hhz3e0zb7m"}');
INSERT INTO "decision" VALUES(11,1796119934272550,'cq6meyfvj0me',NULL,'accepted','{"code":"poll_opened","question":"Ouvrir la halle aussi le dimanche ?"}');
INSERT INTO "decision" VALUES(12,1796119934272550,'cq6meyfvj0me','e0g9fqtke14f','queued',NULL);
INSERT INTO "decision" VALUES(13,1796119934739765,'cq6meyfvj0me',NULL,'over','{"code":"poll_closed"}');
INSERT INTO "decision" VALUES(14,1796119934739765,'cq6meyfvj0me','4afwhaqwn4yz','queued',NULL);
INSERT INTO "decision" VALUES(15,1796119935814454,'z4cj1ttedxx6',NULL,'waiting','{"code":"waits_for_validation"}');
INSERT INTO "decision" VALUES(16,1796119936228873,'z4cj1ttedxx6',NULL,'approved','{"code":"validated","who":"demo"}');
INSERT INTO "decision" VALUES(17,1796119936228531,'z4cj1ttedxx6','pj12qnsfgfr8','bulk_begun',NULL);
INSERT INTO "decision" VALUES(18,1796119936228531,'z4cj1ttedxx6','pj12qnsfgfr8','bulk_done','{"code":"bulk_done","sent":0,"failed":0,"skipped":1}');
CREATE TABLE dispatch (
	id VARCHAR(26) NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	act VARCHAR(16) NOT NULL, 
	about VARCHAR(26), 
	draft VARCHAR(26), 
	fields TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	sent_at BIGINT, 
	CONSTRAINT pk_dispatch PRIMARY KEY (id)
);
CREATE TABLE dispatch_town (
	dispatch VARCHAR(26) NOT NULL, 
	town VARCHAR(63) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	alert VARCHAR(26), 
	incident VARCHAR(26), 
	reason TEXT, 
	CONSTRAINT pk_dispatch_town PRIMARY KEY (dispatch, town)
);
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
CREATE TABLE ear (
	name VARCHAR(100) NOT NULL, 
	memory TEXT NOT NULL, 
	last_try BIGINT, 
	last_ok BIGINT, 
	failures INTEGER NOT NULL, 
	next_try BIGINT, 
	reason TEXT, 
	gap TEXT, 
	cost BIGINT NOT NULL, 
	month VARCHAR(7) NOT NULL, 
	CONSTRAINT pk_ear PRIMARY KEY (name)
);
INSERT INTO "ear" VALUES('page','{"posts": {"1234567890_122100000000000003": {"looked": "2026-12-01T10:12:16.282896+00:00", "whole": "2026-12-01T10:12:16.282896+00:00"}, "1234567890_122100000000000002": {"looked": "2026-12-01T10:12:16.282896+00:00", "whole": "2026-12-01T10:12:16.282896+00:00"}, "1234567890_122100000000000001": {"looked": "2026-12-01T10:12:15.596348+00:00", "whole": "2026-12-01T10:12:15.596348+00:00", "newest": "2026-12-01T10:12:08+00:00", "prints": {"122100000000000001_122100000000000004": "7079", "122100000000000001_122100000000000006": "831b", "122100000000000001_122100000000000005": "9ec0"}}}}',1796119936282896,1796119936282896,0,1796119936596348,NULL,NULL,0,'2026-12');
CREATE TABLE fact (
	channel VARCHAR(100) NOT NULL, 
	"key" VARCHAR(100) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_fact PRIMARY KEY (channel, "key")
);
INSERT INTO "fact" VALUES('telegram','subscribers changed','1');
INSERT INTO "fact" VALUES('(store)','generation','abgb3g50m9rq');
INSERT INTO "fact" VALUES('telegram','bot','@tocsin_sandbox_bot');
INSERT INTO "fact" VALUES('x','twitter.x.c54384a0b096.id','1500000000000000001');
INSERT INTO "fact" VALUES('page','followers','2140');
INSERT INTO "fact" VALUES('telegram','followers','312');
INSERT INTO "fact" VALUES('x','twitter.x.c54384a0b096.username','tocsin_sandbox');
INSERT INTO "fact" VALUES('x','followers','1850');
INSERT INTO "fact" VALUES('(watch)','last round','2026-12-01T10:11:58.885503+00:00');
INSERT INTO "fact" VALUES('(watch)','habit meteo','{"mark": "60c555ded59a80e92c878d3025a90bf07abe9f49ca1af65bd5c2cbd552b331be", "changed_at": "2026-12-01T10:11:58.860099+00:00", "longest": 0.0, "changes": 0}');
INSERT INTO "fact" VALUES('telegram','bulk at rest','');
CREATE TABLE forgotten (
	channel VARCHAR(100) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_forgotten PRIMARY KEY (channel, digest)
);
CREATE TABLE heard (
	source VARCHAR(100) NOT NULL, 
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_heard PRIMARY KEY (source, "key")
);
INSERT INTO "heard" VALUES('meteo','http://127.0.0.1:34043/meteo/orages.xml 2026-12-01T11:10:45+01:00',1796119857984842);
INSERT INTO "heard" VALUES('travaux','works-2489054ec481f3d9-0-before-1440m-e0f8bf4a',1796119928225460);
CREATE TABLE held_back (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	bulk VARCHAR(26) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_held_back PRIMARY KEY (channel, chat, bulk)
)
 WITHOUT ROWID

;
CREATE TABLE idempotency (
	token VARCHAR(100) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	request VARCHAR(64) NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_idempotency PRIMARY KEY (token, "key")
);
CREATE TABLE lease (
	lane VARCHAR(100) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	until BIGINT NOT NULL, 
	number BIGINT, 
	since BIGINT, 
	CONSTRAINT pk_lease PRIMARY KEY (lane)
);
INSERT INTO "lease" VALUES('bot telegram','',1796119936663803,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('bulk telegram','',1796119936663803,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('telegram','',1796119936663803,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('x','',1796119936663803,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('page','',1796119936663803,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('source meteo','',1796119936596854,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('source travaux','',1796119936596854,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('shared duties','',1796119936596854,1796119854323313,1796119854323313);
INSERT INTO "lease" VALUES('ear page','',1796119936663803,1796119854323313,1796119854323313);
CREATE TABLE link_code (
	account VARCHAR(100) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_link_code PRIMARY KEY (account), 
	CONSTRAINT uq_link_code_digest UNIQUE (digest)
);
CREATE TABLE listening_secret (
	month VARCHAR(7) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_listening_secret PRIMARY KEY (month)
);
INSERT INTO "listening_secret" VALUES('2026-12','23f1ecfbfdb0e29dfc56b434b548315586e9309ae5d235411d60a4a4cffaa291');
CREATE TABLE look (
	account VARCHAR(100) NOT NULL, 
	incident VARCHAR(26) NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_look PRIMARY KEY (account, incident)
);
CREATE TABLE moderation (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	utterance VARCHAR(26) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	act VARCHAR(16) NOT NULL, 
	clause TEXT NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	second VARCHAR(100), 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	at BIGINT NOT NULL, 
	CONSTRAINT uq_moderation_id UNIQUE (id)
);
CREATE TABLE officer_asked (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	message_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_officer_asked PRIMARY KEY (channel, chat)
);
CREATE TABLE officer_chat (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	CONSTRAINT pk_officer_chat PRIMARY KEY (channel, chat)
);
CREATE TABLE officer_told (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_officer_told PRIMARY KEY (channel, chat, alert_id)
);
CREATE TABLE passkey (
	id TEXT NOT NULL, 
	account VARCHAR(100) NOT NULL, 
	public_key TEXT NOT NULL, 
	sign_count BIGINT NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	created_at BIGINT NOT NULL, 
	used_at BIGINT, 
	alone BOOLEAN, 
	asked_at BIGINT, 
	CONSTRAINT pk_passkey PRIMARY KEY (id), 
	CONSTRAINT fk_passkey_account FOREIGN KEY(account) REFERENCES account (folded)
);
CREATE TABLE picture (
	name VARCHAR(80) NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_picture PRIMARY KEY (name)
);
CREATE TABLE poll (
	id VARCHAR(26) NOT NULL, 
	question TEXT NOT NULL, 
	options TEXT NOT NULL, 
	channels TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	exercise BOOLEAN NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	opens_at BIGINT NOT NULL, 
	closes_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	secret VARCHAR(64), 
	approved_by VARCHAR(100), 
	approved_at BIGINT, 
	opened_at BIGINT, 
	closed_at BIGINT, 
	published_at BIGINT, 
	reason TEXT, 
	outcome TEXT, 
	outcome_at BIGINT, 
	CONSTRAINT pk_poll PRIMARY KEY (id)
);
INSERT INTO "poll" VALUES('cq6meyfvj0me','Ouvrir la halle aussi le dimanche ?','["Oui", "Non"]','["telegram"]','closed',0,'demo',1796119934272550,1796119934739765,1796119934272550,NULL,NULL,1796119934272550,1796119934272550,1796119934739765,NULL,NULL,NULL,NULL);
CREATE TABLE poll_place (
	poll VARCHAR(26) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	way VARCHAR(16) NOT NULL, 
	votes TEXT, 
	how VARCHAR(16), 
	counted_at BIGINT, 
	spikes TEXT, 
	reason TEXT, 
	CONSTRAINT pk_poll_place PRIMARY KEY (poll, name), 
	CONSTRAINT fk_poll_place_poll FOREIGN KEY(poll) REFERENCES poll (id)
);
INSERT INTO "poll_place" VALUES('cq6meyfvj0me','telegram','poll','[12, 5]','final',1796119934859840,NULL,NULL);
INSERT INTO "poll_place" VALUES('cq6meyfvj0me','web','own','[0, 0]','final',1796119934739765,NULL,NULL);
INSERT INTO "poll_place" VALUES('cq6meyfvj0me','bot','own','[0, 0]','final',1796119934739765,NULL,NULL);
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
	in_reply_to TEXT, 
	answer VARCHAR(26), 
	poll TEXT, 
	CONSTRAINT uq_post_id UNIQUE (id), 
	CONSTRAINT fk_post_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id)
);
INSERT INTO "post" VALUES(1,'376vt7rrphav','k8f2npbtdn8z','1hkqmfw27t5z','x','publish','new','sent',23,'Moderate',0,'Coupure d’eau rue des Tanneurs jusqu’à ce soir
Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.
Jusqu’à mardi 1er, 17 h 15
Une canalisation s’est rompue.
http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Coupure d’eau rue des Tanneurs jusqu’à ce soir
Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.
Jusqu’à mardi 1er, 17 h 15
Une canalisation s’est rompue.
http://127.0.0.1:8080/alerts/1hkqmfw27t5z','http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,'fr-FR','[]',1796141700000000,NULL,NULL,1,0,1796119857366594,'2127707016695644160','https://x.com/tocsin_sandbox/status/2127707016695644160',1796119858263603,'sent',NULL,1796119854417396,NULL,NULL,NULL);
INSERT INTO "post" VALUES(2,'kxv626942qes','k8f2npbtdn8z','1hkqmfw27t5z','page','publish','new','sent',23,'Moderate',0,'Coupure d’eau rue des Tanneurs jusqu’à ce soir

Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Une canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.

Les bons réflexes :
• Arrêtez lave-linge, lave-vaisselle, chauffe-eau.
• Au retour de l’eau : laissez-la couler jusqu’à ce qu’elle soit claire, gardez cette eau pour le ménage.
• Eau trouble ou qui sent ? N’en buvez pas, appelez votre service des eaux.','Coupure d’eau rue des Tanneurs jusqu’à ce soir

Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Une canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.

Les bons réflexes :
• Arrêtez lave-linge, lave-vaisselle, chauffe-eau.
• Au retour de l’eau : laissez-la couler jusqu’à ce qu’elle soit claire, gardez cette eau pour le ménage.
• Eau trouble ou qui sent ? N’en buvez pas, appelez votre service des eaux.','http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,'fr-FR','[]',1796141700000000,NULL,NULL,1,0,1796119857366608,'1234567890_122100000000000001','https://www.facebook.com/1234567890_122100000000000001',1796119858263654,'sent',NULL,1796119854417396,NULL,NULL,NULL);
INSERT INTO "post" VALUES(3,'nm36jw07p2sq','k8f2npbtdn8z','1hkqmfw27t5z','telegram','publish','new','sent',23,'Moderate',0,'<b>Coupure d’eau rue des Tanneurs jusqu’à ce soir</b>

<b>Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.</b>

<b>Quand :</b> jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Une canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.

<b>Les bons réflexes :</b>
• Arrêtez lave-linge, lave-vaisselle, chauffe-eau.
• Au retour de l’eau : laissez-la couler jusqu’à ce qu’elle soit claire, gardez cette eau pour le ménage.
• Eau trouble ou qui sent ? N’en buvez pas, appelez votre service des eaux.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Coupure d’eau rue des Tanneurs jusqu’à ce soir

Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Une canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.

Les bons réflexes :
• Arrêtez lave-linge, lave-vaisselle, chauffe-eau.
• Au retour de l’eau : laissez-la couler jusqu’à ce qu’elle soit claire, gardez cette eau pour le ménage.
• Eau trouble ou qui sent ? N’en buvez pas, appelez votre service des eaux.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,'fr-FR','[]',1796141700000000,NULL,NULL,1,0,1796119857366616,'1','https://t.me/saintmartin_alertes/1',1796119858263673,'sent',NULL,1796119854417396,NULL,NULL,NULL);
INSERT INTO "post" VALUES(4,'vw8bdf7yqxke','6atsvwdxjqw3','ydkpzaxyfj68','x','publish','new','sent',33,'Severe',0,'Vigilance orange – Orages violents attendus en Isère
Où : Isère
Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.
Jusqu’à mardi 1er, 17 h 10
Source : Météo (démo)
http://127.0.0.1:8080/alerts/ydkpzaxyfj68','Vigilance orange – Orages violents attendus en Isère
Où : Isère
Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.
Jusqu’à mardi 1er, 17 h 10
Source : Météo (démo)
http://127.0.0.1:8080/alerts/ydkpzaxyfj68','http://127.0.0.1:8080/alerts/ydkpzaxyfj68',NULL,NULL,'fr-FR','[]',1796141445000000,NULL,NULL,1,0,1796119858572963,'2127707018272702464','https://x.com/tocsin_sandbox/status/2127707018272702464',1796119858671926,'sent',NULL,1796119857377349,NULL,NULL,NULL);
INSERT INTO "post" VALUES(5,'zsb73xc27z9d','6atsvwdxjqw3','ydkpzaxyfj68','page','publish','new','sent',33,'Severe',0,'Vigilance orange – Orages violents attendus en Isère
Où : Isère

Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.

Quand : jusqu’à 17 h 10 aujourd’hui mardi 1er décembre

Des orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.

Les bons réflexes :
• Pendant l’orage : évitez le téléphone fixe et les appareils électriques.
• En voiture : arrêtez-vous loin des arbres, restez dedans, vitres fermées.
• Camping : gagnez un bâtiment en dur.
• Blessés ? Appelez le 112, ou le 114 par SMS.

Source : Météo (démo)','Vigilance orange – Orages violents attendus en Isère
Où : Isère

Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.

Quand : jusqu’à 17 h 10 aujourd’hui mardi 1er décembre

Des orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.

Les bons réflexes :
• Pendant l’orage : évitez le téléphone fixe et les appareils électriques.
• En voiture : arrêtez-vous loin des arbres, restez dedans, vitres fermées.
• Camping : gagnez un bâtiment en dur.
• Blessés ? Appelez le 112, ou le 114 par SMS.

Source : Météo (démo)','http://127.0.0.1:8080/alerts/ydkpzaxyfj68',NULL,NULL,'fr-FR','[]',1796141445000000,NULL,NULL,1,0,1796119858572975,'1234567890_122100000000000002','https://www.facebook.com/1234567890_122100000000000002',1796119858671968,'sent',NULL,1796119857377349,NULL,NULL,NULL);
INSERT INTO "post" VALUES(6,'6914y1zb3mbf','6atsvwdxjqw3','ydkpzaxyfj68','telegram','publish','new','sent',33,'Severe',0,'<b>Vigilance orange – Orages violents attendus en Isère</b>
<b>Où :</b> Isère

<b>Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.</b>

<b>Quand :</b> jusqu’à 17 h 10 aujourd’hui mardi 1er décembre

Des orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.

<b>Les bons réflexes :</b>
• Pendant l’orage : évitez le téléphone fixe et les appareils électriques.
• En voiture : arrêtez-vous loin des arbres, restez dedans, vitres fermées.
• Camping : gagnez un bâtiment en dur.
• Blessés ? Appelez le 112, ou le 114 par SMS.

<i>Source : Météo (démo)</i>
Plus d’informations : http://127.0.0.1:8080/alerts/ydkpzaxyfj68','Vigilance orange – Orages violents attendus en Isère
Où : Isère

Mettez-vous à l’abri dans un bâtiment. N’allez pas sous les arbres. Évitez de vous déplacer.

Quand : jusqu’à 17 h 10 aujourd’hui mardi 1er décembre

Des orages violents traversent le département d’ouest en est, avec de la grêle, de fortes pluies et des rafales de 90 à 110 km/h. Des arbres peuvent tomber et des caves être inondées.

Les bons réflexes :
• Pendant l’orage : évitez le téléphone fixe et les appareils électriques.
• En voiture : arrêtez-vous loin des arbres, restez dedans, vitres fermées.
• Camping : gagnez un bâtiment en dur.
• Blessés ? Appelez le 112, ou le 114 par SMS.

Source : Météo (démo)
Plus d’informations : http://127.0.0.1:8080/alerts/ydkpzaxyfj68','http://127.0.0.1:8080/alerts/ydkpzaxyfj68',NULL,NULL,'fr-FR','[]',1796141445000000,NULL,NULL,1,0,1796119859362206,'2','https://t.me/saintmartin_alertes/2',1796119859404165,'sent',NULL,1796119857377349,NULL,NULL,NULL);
INSERT INTO "post" VALUES(7,'241whzg7m4hb','w8eyhfnwd8wx','aqcbbzjrx06z','x','publish','new','sent',11,'Minor',0,'Rue de la République fermée pour travaux
Où : Rue de la République
Respectez la signalisation sur place.
Du mardi 1er à 13 h 10 au jeudi 3 à 11 h 10
Réfection de la chaussée entre la place du Marché et le pont Vieux.
http://127.0.0.1:8080/alerts/aqcbbzjrx06z','Rue de la République fermée pour travaux
Où : Rue de la République
Respectez la signalisation sur place.
Du mardi 1er à 13 h 10 au jeudi 3 à 11 h 10
Réfection de la chaussée entre la place du Marché et le pont Vieux.
http://127.0.0.1:8080/alerts/aqcbbzjrx06z','http://127.0.0.1:8080/alerts/aqcbbzjrx06z',NULL,NULL,'fr-FR','["{\"code\":\"remark_own_instruction\"}"]',1796292645000000,NULL,NULL,1,0,1796119928249439,'2127707310154317824','https://x.com/tocsin_sandbox/status/2127707310154317824',1796119928280628,'sent',NULL,1796119928052735,NULL,NULL,NULL);
INSERT INTO "post" VALUES(8,'80jqqm3f246f','w8eyhfnwd8wx','aqcbbzjrx06z','page','publish','new','sent',11,'Minor',0,'Rue de la République fermée pour travaux
Où : Rue de la République

Respectez la signalisation sur place.

Quand : du mardi 1er décembre à 13 h 10 au jeudi 3 décembre à 11 h 10

Réfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.

Les bons réflexes :
• Laissez passer les secours.
• Ne franchissez pas les barrières.','Rue de la République fermée pour travaux
Où : Rue de la République

Respectez la signalisation sur place.

Quand : du mardi 1er décembre à 13 h 10 au jeudi 3 décembre à 11 h 10

Réfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.

Les bons réflexes :
• Laissez passer les secours.
• Ne franchissez pas les barrières.','http://127.0.0.1:8080/alerts/aqcbbzjrx06z',NULL,NULL,'fr-FR','["{\"code\":\"remark_own_instruction\"}"]',1796292645000000,NULL,NULL,1,0,1796119928249448,'1234567890_122100000000000003','https://www.facebook.com/1234567890_122100000000000003',1796119928280681,'sent',NULL,1796119928052735,NULL,NULL,NULL);
INSERT INTO "post" VALUES(9,'t0814d23cm5x','w8eyhfnwd8wx','aqcbbzjrx06z','telegram','publish','new','sent',11,'Minor',0,'<b>Rue de la République fermée pour travaux</b>
<b>Où :</b> Rue de la République

<b>Respectez la signalisation sur place.</b>

<b>Quand :</b> du mardi 1er décembre à 13 h 10 au jeudi 3 décembre à 11 h 10

Réfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.

<b>Les bons réflexes :</b>
• Laissez passer les secours.
• Ne franchissez pas les barrières.

Plus d’informations : http://127.0.0.1:8080/alerts/aqcbbzjrx06z','Rue de la République fermée pour travaux
Où : Rue de la République

Respectez la signalisation sur place.

Quand : du mardi 1er décembre à 13 h 10 au jeudi 3 décembre à 11 h 10

Réfection de la chaussée entre la place du Marché et le pont Vieux. Déviation par l’avenue Jean-Jaurès, accès riverains à pied.

Les bons réflexes :
• Laissez passer les secours.
• Ne franchissez pas les barrières.

Plus d’informations : http://127.0.0.1:8080/alerts/aqcbbzjrx06z','http://127.0.0.1:8080/alerts/aqcbbzjrx06z',NULL,NULL,'fr-FR','["{\"code\":\"remark_own_instruction\"}"]',1796292645000000,NULL,NULL,1,0,1796119928249452,'3','https://t.me/saintmartin_alertes/3',1796119928280698,'sent',NULL,1796119928052735,NULL,NULL,NULL);
INSERT INTO "post" VALUES(10,'rtbhd30km96v','k8f2npbtdn8z','s4hhz3e0zb7m','page','answer','reply','sent',-10,'Minor',0,'Vous demandez : L’eau du robinet est-elle potable ?
Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Vous demandez : L’eau du robinet est-elle potable ?
Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,NULL,'fr-FR','[]',1796163300000000,NULL,NULL,1,0,1796119933964339,'122100000000000001_122100000000000007','https://www.facebook.com/122100000000000001_122100000000000007',1796119934016136,'sent',NULL,1796119933820505,'1234567890_122100000000000001','45y1wh43ms6e',NULL);
INSERT INTO "post" VALUES(11,'d1axgvbvp4hf','k8f2npbtdn8z','7vvv10p5e1k4','page','answer','reply','sent',-10,'Minor',0,'Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,NULL,'fr-FR','[]',1796163300000000,NULL,NULL,1,0,1796119933964358,'122100000000000001_122100000000000008','https://www.facebook.com/122100000000000001_122100000000000008',1796119934016231,'sent',NULL,1796119933820505,'122100000000000001_122100000000000004','45y1wh43ms6e',NULL);
INSERT INTO "post" VALUES(12,'cjpas9b0qk8x','k8f2npbtdn8z','9c82ambq387z','page','answer','reply','sent',-10,'Minor',0,'Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,NULL,'fr-FR','[]',1796163300000000,NULL,NULL,1,0,1796119933964363,'122100000000000001_122100000000000009','https://www.facebook.com/122100000000000001_122100000000000009',1796119934016260,'sent',NULL,1796119933820505,'122100000000000001_122100000000000006','45y1wh43ms6e',NULL);
INSERT INTO "post" VALUES(13,'bvwkz8m3ex13','k8f2npbtdn8z','d70ca85nb91c','page','answer','reply','sent',-10,'Minor',0,'Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z','Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur.

Plus d’informations : http://127.0.0.1:8080/alerts/1hkqmfw27t5z',NULL,NULL,NULL,'fr-FR','[]',1796163300000000,NULL,NULL,1,0,1796119933964369,'122100000000000001_122100000000000010','https://www.facebook.com/122100000000000001_122100000000000010',1796119934016283,'sent',NULL,1796119933820505,'122100000000000001_122100000000000005','45y1wh43ms6e',NULL);
INSERT INTO "post" VALUES(14,'e0g9fqtke14f','cq6meyfvj0me','cq6meyfvj0me','telegram','poll','new','sent',13,'Minor',0,'Ouvrir la halle aussi le dimanche ?','Ouvrir la halle aussi le dimanche ?',NULL,NULL,NULL,'fr-FR','[]',1796127134272550,NULL,NULL,1,0,1796119934504228,'4','https://t.me/saintmartin_alertes/4',1796119934539850,'sent',NULL,1796119934272550,NULL,NULL,'{"question": "Ouvrir la halle aussi le dimanche ?", "options": ["Oui", "Non"], "closes_at": 1796127134272550}');
INSERT INTO "post" VALUES(15,'4afwhaqwn4yz','cq6meyfvj0me','cq6meyfvj0me','telegram','count','edit','sent',29,'Minor',0,'Ouvrir la halle aussi le dimanche ?','Ouvrir la halle aussi le dimanche ?',NULL,NULL,NULL,'fr-FR','[]',NULL,NULL,NULL,1,0,1796119934788696,NULL,NULL,1796119934818376,'sent',NULL,1796119934739765,NULL,NULL,'{"question": "Ouvrir la halle aussi le dimanche ?", "options": ["Oui", "Non"], "closes_at": 1796119934739765}');
INSERT INTO "post" VALUES(16,'17ndvd7nxxr2','z4cj1ttedxx6','7j42rztfbttz','x','publish','new','sent',22,'Moderate',0,'Attention – Rue inondée (non confirmé), selon plusieurs habitants
N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.
Jusqu’à mardi 1er, 17 h 15
Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.
http://127.0.0.1:8080/alerts/7j42rztfbttz','Attention – Rue inondée (non confirmé), selon plusieurs habitants
N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.
Jusqu’à mardi 1er, 17 h 15
Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.
http://127.0.0.1:8080/alerts/7j42rztfbttz','http://127.0.0.1:8080/alerts/7j42rztfbttz',NULL,NULL,'fr-FR','[]',1796141700000000,1796119936228873,NULL,1,0,1796119936344221,'2127707344300146688','https://x.com/tocsin_sandbox/status/2127707344300146688',1796119936388799,'sent',NULL,1796119935814454,NULL,NULL,NULL);
INSERT INTO "post" VALUES(17,'nm4f4zvmn8re','z4cj1ttedxx6','7j42rztfbttz','page','publish','new','sent',22,'Moderate',0,'Attention – Rue inondée (non confirmé), selon plusieurs habitants

N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.','Attention – Rue inondée (non confirmé), selon plusieurs habitants

N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.','http://127.0.0.1:8080/alerts/7j42rztfbttz',NULL,NULL,'fr-FR','[]',1796141700000000,1796119936228873,NULL,1,0,1796119936344248,'1234567890_122100000000000011','https://www.facebook.com/1234567890_122100000000000011',1796119936388854,'sent',NULL,1796119935814454,NULL,NULL,NULL);
INSERT INTO "post" VALUES(18,'pj12qnsfgfr8','z4cj1ttedxx6','7j42rztfbttz','telegram','publish','new','sent',22,'Moderate',0,'<b>Attention – Rue inondée (non confirmé), selon plusieurs habitants</b>

<b>N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.</b>

<b>Quand :</b> jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.

Plus d’informations : http://127.0.0.1:8080/alerts/7j42rztfbttz','Attention – Rue inondée (non confirmé), selon plusieurs habitants

N’entrez jamais dans l’eau, à pied ou en voiture. En danger ? Appelez le 112.

Quand : jusqu’à 17 h 15 aujourd’hui mardi 1er décembre

Non confirmé. Au moins 5 habitants l’ont signalé depuis 11 h 12.

Plus d’informations : http://127.0.0.1:8080/alerts/7j42rztfbttz','http://127.0.0.1:8080/alerts/7j42rztfbttz',NULL,NULL,'fr-FR','[]',1796141700000000,1796119936228873,NULL,1,0,1796119936344256,'5','https://t.me/saintmartin_alertes/5',1796119936388877,'sent',NULL,1796119935814454,NULL,NULL,NULL);
CREATE TABLE question (
	id VARCHAR(26) NOT NULL, 
	incident VARCHAR(26), 
	words TEXT NOT NULL, 
	worded_by VARCHAR(100), 
	kind VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	asked BIGINT NOT NULL, 
	next_ones BOOLEAN NOT NULL, 
	verdict VARCHAR(16), 
	reason TEXT, 
	centroid BLOB, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_question PRIMARY KEY (id)
);
INSERT INTO "question" VALUES('s4hhz3e0zb7m','1hkqmfw27t5z','L''eau du robinet est-elle potable ?','demo','question','answered',3,0,NULL,NULL,X'73310050A3BD009C94BC00205A3E00601F3E00D0F0BD0038D73D0004A73C00A84CBD005075BE0028B0BD0028173E0018BEBD00A0D93D00D4583D0030A0BB00543CBD0000A6BC00F05FBE00F0E8BD00B882BD005020BB007843BE0050A63D00E0223E00D0873E0060ABBD004898BD0060D5BD0000B93C007065BE00F018BE00189E3D00D8BA3D006019BE0070733D0038893D00940FBD0080F5BA0043EC3C0030653E00C0063E006023BE00E8C53D00F0B4BD0010D73D001E9EBC0098893E00F494BD00A841BE0000553E4024AA3C00E01D3E0020733D0010B9BDA08C0F3D00B0463E009059BE0028E3BB0010C7BD0080C53D0008903D009844BD0078DD3C00C093BD00A822BE00F8DBBD003811BB00E00FBE00088BBD00800DBE00B4143E00C0CEBD0080E3BA00C40F3E00D0693E00B81CBE0098A0BD00D806BE00E883BD0030763E007893BE008001BE0010F7BD009EA33D000821BE007CA0BD00E0E8BD00E8CC3D004081BD00A7E2BC00B834BE000035BD0090EC3D00E0F23D00D0D63D00D0ABBD00C8CABD00B0943E007000BE80768D3C00C8B0BD00307D3D004016BE0040C4BD0038EC3D00981BBE00915EBC00D066BE00C84A3D00D0ADBD0098BB3D00082BBD00BCB83D00F0D93C00D85CBD0010843D00D4863D0060043E00783B3E00D0013E0000A3BD0004933D00E076BE002403BD00509F3D0050203D00B4D5BC00A8F7BD00202ABD0040DA3D00F09B3D008223BD00B085BE005609BD0070A3BD00B0713E001424BD00C0723C00883EBE00E828BD00B07BBE00D8853D0068ECBD00202DBD00C0643E0078073E009073BE00F8E4BD00588A3E000C013D00E0AF3D0060D5BD00D0243D0080653E0090203C00F153BC00E04D3C0091623C004041BE0068163E004055BC00F0903D00A0E7BD001077BD00B07DBD00F40E3E0030F83D00801C3E00007FBD00E0CA3D00E02FBC00D0B53D00C0FCBA00783BBE00500DBB00E8D73D00E0F5BD0028E2BD00003B3D0058903E00C0ACBD00A07E3D004054BD00A8FA3C00A8DABC0000ADBD0018CE3D0000063E0008A6BB00C07B3E001003BE0074C3BC00B021BE00409ABD00B078BD0088443E00D089BE0050AABD0078903D0034DBBC0079453D00507B3E00C0A7BD00104A3E00A0573B00C08DBD00807B3E0058AABD002FE0BC000822BE0080783E0098743D00F81EBE0094823D00804E3C00EEB8BC00B8CABD0030363E00B4963D00C8DABD007815BE00102B3E009095BD00A0E63D00E79CBD00B04BBB00F0BFBC00E0E63D00880A3E008817BE005040BE00B0353E0058333E00704BBE00A0E7BB008852BD00A0FDBD0080A7BB0000F0B800105E3E002894BD000057BE00A06F3E0018913E000810BD0098A3BC00C805BE00C0273E0030D5BD00F0353E00FC2DBD0048393E00A03BBC00A800BD00F010BE0098D63D0040F53D0040C93C0074C53C00D827BE0098E63C0040A7BB0070483D00B092BE00D8193E00CCA13C0038943E00E069BD0094FC3C00A0373E00F0CEBC00204E3E00E81DBC0030193D004098BD00C6BE3C0048DE3D00F0A2BD005662BD00F0573D00F01FBE00A8353E0060A4BB00A08ABB00D8F73C00D8C4BC006894BD00D5993C005C7EBB00A02A3D009D093C0018D43C0058B1BD003852BE00F8573E00D0ECBD0050E93C009CA1BD00E00D3D00D061BE0018293E00A0153E00E0003E00F024BE00B0523E0076653D001104BD00E05F3E00582BBE0020213C00BC203E0050C83D003042BE00C883BD0060F4BC00405CBD00C887BC00B8AEBD0080733B0068E7BC00906BBE0068E4BD00304FBD000070BD0090A13D0010663D0070A43C00C078BE0028083E00488B3E005029BE0070F1BD00819B3D0090753D0046CCBB003064BE00301BBE0018633D00D0373E001832BC00D047BD0038F73D0088963D0040A33D00BC5F3D8016A43C00700EBE002074BE00800E3B000071BA00E0683D00B01C3E00601CBE00307B3E0060053E00EF533C0090D3BD0060A43D00702E3E00D04ABE00408FBE00C8863D00A813BE00F0F8BD00701A3E00803B3E00B8C0BD00D8D53D00F0F0BD00C0CCBC00108F3E006E273D00A8033E00384B3E00200EBE00303D3D0050F0BC0078CBBD0000273E00F04DBE00E0413E00604B3E00207E3E0070EBBD00B0F23D00101ABE00004E3E009C3E3D00083C3D00709FBD004044BE0038CE3D00D0D03D00001FBE00E8153E0048BFBD007492BD00D099BC00F054BD00D8DE3D00E0633E003808BE0020723E006015BE00B855BD005815BD00501BBD0000623E005032BE00E010BE0020793C00B066BD008800BE0068DBBC0098B1BD00083FBE00DEBDBC00F820BD00E8873D00A841BD002085BC0084BC3C00206B3D00D025BE000C473E00F86DBD008CA23D0058C03D00607E3E00C8933D0048DE3D004061BC008CA13C40F00F3D00B804BE00C8923D00E00CBE0050D8BD0090503E00E82FBE0008823E0050E8BD0038D5BD00B024BE00D066BE00E8A33D0060653E0000063D00502DBE00E09BBD005406BD00A0793E00904FBE00008BBD00C8B93D0080A33D0058E53D006089BEC0F3C63C0030C3BC00BC9BBD00E0553E00208CBA00A0033E0070633E803813BD0068433E00683DBE00C07A3E004051BC0020413E0018D2BD0028D5BC0070093E00A8F03D00840B3E0070B83D00587FBD00A0B3BD001060BD0028A3BD002885BE00DC14BD009AF43C00701B3E0020E3BB00305FBC0088783D000C8BBD00F05BBE00B02E3E00C0583E008025BE000844BE00C0E9BD00F880BE0098EC3D00A09EBB005019BD008094BD00603F3E00EE403D00C085BE0098EB3D0080503E00841BBD00D0DC3D000866BD004B853D007876BD00B834BE0048943E70AB4A3A9A9919401820137300004040EB1504C000009040DA1433FB00009040',1796119933776820,1796119933820505);
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
INSERT INTO "received" VALUES('telegram',5550001,'ydkpzaxyfj68',1,1796119858573156);
CREATE TABLE reference (
	identifier TEXT NOT NULL, 
	alert_id VARCHAR(26) NOT NULL, 
	CONSTRAINT pk_reference PRIMARY KEY (identifier, alert_id), 
	CONSTRAINT fk_reference_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id)
);
CREATE TABLE report (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	number VARCHAR(40) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	token VARCHAR(64) NOT NULL, 
	via VARCHAR(16) NOT NULL, 
	lat DOUBLE, 
	lon DOUBLE, 
	place TEXT, 
	district VARCHAR(100), 
	text TEXT, 
	language VARCHAR(35), 
	"key" VARCHAR(64), 
	source VARCHAR(64), 
	source_before VARCHAR(64), 
	channel VARCHAR(100), 
	chat BIGINT, 
	held TEXT, 
	accepted_at BIGINT, 
	closed_at BIGINT, 
	closing VARCHAR(16), 
	answer TEXT, 
	assigned_to TEXT, 
	duplicate_of VARCHAR(26), 
	incident VARCHAR(26), 
	draft VARCHAR(26), 
	agreed BOOLEAN NOT NULL, 
	withheld TEXT, 
	has_photo BOOLEAN NOT NULL, 
	rounded BOOLEAN NOT NULL, 
	"by" VARCHAR(100), 
	utterance VARCHAR(26), 
	likeness VARCHAR(64), 
	tellers INTEGER, 
	CONSTRAINT uq_report_id UNIQUE (id), 
	CONSTRAINT uq_report_number UNIQUE (number), 
	CONSTRAINT uq_report_key UNIQUE ("key")
);
INSERT INTO "report" VALUES(1,'g53wgj1r9wea','SM-26-0001','flooding','received',1796119935195741,1796119935195741,1796119935601370,'5c799257b08a0015ba1b3e4cdb68b8a93a762298dc6a644f2159cd72fb6a30e6','api',45.190426,5.71,NULL,NULL,NULL,'fr-FR','a667e1dcbc8d40d3e9542825251f74cae4669f320a49c456d21abcbb8326b092','3e644eed8083f4910f689d4623c686a5fa14559d6983b91bafdf837b8f19c466','f65c19a7c00229f4bb78ab130f703f5e4adb30027677f50ffea81f2db2489705',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'z4cj1ttedxx6',0,NULL,0,0,'sandbox',NULL,NULL,1);
INSERT INTO "report" VALUES(2,'gwzgntgndrfa','SM-26-0002','flooding','received',1796119935356183,1796119935356183,1796119935601370,'e3b236ca18748c085b9a90a5fc7d1b60e37316460286d292fee299d33312bd83','api',45.189456,5.710707,NULL,NULL,NULL,'fr-FR','81ab435e9c2887c730007cf521f9975b7330f72f7f7b2b542414e98ca905f350','384efb9f87e1394965d3a618fa56f0ff3dbe9af3355816911091269aba2db062','c5bf0c4353f2a2bfbbd839ba3a4f60294e89a70100a1d2456acce1c3e928c739',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'z4cj1ttedxx6',0,NULL,0,0,'sandbox',NULL,NULL,1);
INSERT INTO "report" VALUES(3,'1pqx8k0bh0zm','SM-26-0003','flooding','received',1796119935429349,1796119935429349,1796119935601370,'37fc0bda1c20d43e85093aa8bc486b5a4387ac6a385960558f4db635c1884b2d','api',45.190083,5.708653,NULL,NULL,NULL,'fr-FR','9490fe4ba003eadf2ed50ac8c65e96e8c3ad2c67231913398bec62c94d485e74','e4ae5029a8dcf929af55c14543ab9c02e4beb2f05258837d5be59c76f29f38b0','1782e16f96f5d8992ed9dadcd8fe16e86f59140c65ad0adc4eb9e1eb7d7fe163',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'z4cj1ttedxx6',0,NULL,0,0,'sandbox',NULL,NULL,1);
INSERT INTO "report" VALUES(4,'g6t4a9b4qb4a','SM-26-0004','flooding','received',1796119935532359,1796119935532359,1796119935601370,'1346b9690770f90d6fc7c27d76ef293ea850afc99d7b185160b6a1a54b008f04','api',45.190686,5.711269,NULL,NULL,NULL,'fr-FR','0d1c715a01f06d5ac5e8d1a91479542f593ccd1fd97b08b03bb8c4ef976e82e5','cd35f3a07f984bdae358860954e6812446a8117a3ae64000627923fe4a5ec5f2','eb3390a64ae58c52e45f8ea61d6f74aa63637b26f5160e1248de71f6dc605146',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'z4cj1ttedxx6',0,NULL,0,0,'sandbox',NULL,NULL,1);
INSERT INTO "report" VALUES(5,'q0bxse2mznxm','SM-26-0005','flooding','received',1796119935601370,1796119935601370,1796119935601370,'b7db6fe284c6330cf51d452750e7edef40e95e4448bc1d75e8a0bad3aa025c22','api',45.188741,5.709684,NULL,NULL,NULL,'fr-FR','e4a3d17fa9be3d7dcc8b7f3a08de8a597b5dfdcdb3c575570a95343ae082864c','0d10cd6f226f80d9fabe6a6d4fb2c3b9968db29bf28c09c4b284024e8045e349','ac02c8e757d1cda04d0a657d5fc9e054e3cd3ef7e04f6c340e4cfd604d01e9d2',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'z4cj1ttedxx6',0,NULL,0,0,'sandbox',NULL,NULL,1);
CREATE TABLE report_begun (
	channel VARCHAR(100) NOT NULL, 
	chat BIGINT NOT NULL, 
	"key" VARCHAR(26) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	at BIGINT NOT NULL, 
	lat DOUBLE, 
	lon DOUBLE, 
	place TEXT, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_report_begun PRIMARY KEY (channel, chat)
);
CREATE TABLE report_forward (
	report VARCHAR(26) NOT NULL, 
	forward VARCHAR(100) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	tries INTEGER NOT NULL, 
	next_try BIGINT, 
	remote_id TEXT, 
	reason TEXT, 
	at BIGINT, 
	token TEXT, 
	remote_state VARCHAR(16), 
	said TEXT, 
	CONSTRAINT pk_report_forward PRIMARY KEY (report, forward)
);
CREATE TABLE report_number (
	year INTEGER NOT NULL, 
	last BIGINT NOT NULL, 
	CONSTRAINT pk_report_number PRIMARY KEY (year)
);
INSERT INTO "report_number" VALUES(2026,5);
CREATE TABLE report_photo (
	report VARCHAR(26) NOT NULL, 
	jpeg BLOB NOT NULL, 
	likeness VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	released_at BIGINT, 
	released_by VARCHAR(100), 
	CONSTRAINT pk_report_photo PRIMARY KEY (report)
);
CREATE TABLE report_secret (
	name VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_report_secret PRIMARY KEY (name)
);
INSERT INTO "report_secret" VALUES('day 2026-12-01','e128ce164286918a846dfa8871d467cc7091d94e035a7019b778a03773bd0ddf',1796119935195741);
INSERT INTO "report_secret" VALUES('day 2026-11-30','66fe0820073d2389e9542162e6e311ff44c1a38f32c78e65e5cee5b2adcbf115',1796119935195741);
INSERT INTO "report_secret" VALUES('links','f8bf9fe0ef305f301914787073a2b784004b7a9647590778ddc86283e0629b72',1796119935195741);
CREATE TABLE report_source (
	report VARCHAR(26) NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	source_before VARCHAR(64), 
	at BIGINT NOT NULL, 
	kind VARCHAR(40), 
	lat DOUBLE, 
	lon DOUBLE, 
	CONSTRAINT pk_report_source PRIMARY KEY (report, source)
);
INSERT INTO "report_source" VALUES('g53wgj1r9wea','3e644eed8083f4910f689d4623c686a5fa14559d6983b91bafdf837b8f19c466','f65c19a7c00229f4bb78ab130f703f5e4adb30027677f50ffea81f2db2489705',1796119935195741,'flooding',45.190426,5.71);
INSERT INTO "report_source" VALUES('gwzgntgndrfa','384efb9f87e1394965d3a618fa56f0ff3dbe9af3355816911091269aba2db062','c5bf0c4353f2a2bfbbd839ba3a4f60294e89a70100a1d2456acce1c3e928c739',1796119935356183,'flooding',45.189456,5.710707);
INSERT INTO "report_source" VALUES('1pqx8k0bh0zm','e4ae5029a8dcf929af55c14543ab9c02e4beb2f05258837d5be59c76f29f38b0','1782e16f96f5d8992ed9dadcd8fe16e86f59140c65ad0adc4eb9e1eb7d7fe163',1796119935429349,'flooding',45.190083,5.708653);
INSERT INTO "report_source" VALUES('g6t4a9b4qb4a','cd35f3a07f984bdae358860954e6812446a8117a3ae64000627923fe4a5ec5f2','eb3390a64ae58c52e45f8ea61d6f74aa63637b26f5160e1248de71f6dc605146',1796119935532359,'flooding',45.190686,5.711269);
INSERT INTO "report_source" VALUES('q0bxse2mznxm','0d10cd6f226f80d9fabe6a6d4fb2c3b9968db29bf28c09c4b284024e8045e349','ac02c8e757d1cda04d0a657d5fc9e054e3cd3ef7e04f6c340e4cfd604d01e9d2',1796119935601370,'flooding',45.188741,5.709684);
CREATE TABLE report_step (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	report VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	closing VARCHAR(16), 
	said TEXT, 
	incident VARCHAR(26), 
	"by" VARCHAR(100), 
	channel VARCHAR(100), 
	chat BIGINT, 
	told_at BIGINT
);
INSERT INTO "report_step" VALUES(1,'g53wgj1r9wea',1796119935195741,'received',NULL,NULL,NULL,'sandbox',NULL,NULL,1796119935195741);
INSERT INTO "report_step" VALUES(2,'gwzgntgndrfa',1796119935356183,'received',NULL,NULL,NULL,'sandbox',NULL,NULL,1796119935356183);
INSERT INTO "report_step" VALUES(3,'1pqx8k0bh0zm',1796119935429349,'received',NULL,NULL,NULL,'sandbox',NULL,NULL,1796119935429349);
INSERT INTO "report_step" VALUES(4,'g6t4a9b4qb4a',1796119935532359,'received',NULL,NULL,NULL,'sandbox',NULL,NULL,1796119935532359);
INSERT INTO "report_step" VALUES(5,'q0bxse2mznxm',1796119935601370,'received',NULL,NULL,NULL,'sandbox',NULL,NULL,1796119935601370);
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
	opened_by TEXT, 
	CONSTRAINT pk_session PRIMARY KEY (digest), 
	CONSTRAINT fk_session_account FOREIGN KEY(account) REFERENCES account (folded)
);
CREATE TABLE sign_in (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	folded VARCHAR(100) NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	good BOOLEAN NOT NULL
);
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
INSERT INTO "source" VALUES('meteo',NULL,NULL,'60c555ded59a80e92c878d3025a90bf07abe9f49ca1af65bd5c2cbd552b331be','{}',1796119857985040,1796119857985040,0,1796119862481200,NULL);
INSERT INTO "source" VALUES('travaux',NULL,NULL,'273ea9ac4c3259a02c725990230b46f5959c0a133f317d59ac3504ea70e186d1','{"told": {"2489054ec481f3d9": {"occurrence": {"uid": "travaux-20261201101045@saint-martin.example", "recurrence_id": "", "starts": "2026-12-01T13:10:45+01:00", "ends": "2026-12-03T11:10:45+01:00", "all_day": false, "summary": "Rue de la République fermée pour travaux", "location": "Rue de la République", "url": "https://saint-martin.example/travaux", "categories": ["Travaux"], "sequence": 0, "point": null, "series": null}, "done": ["before-1440m"], "tells": [["works-2489054ec481f3d9-0-before-1440m-e0f8bf4a", "2026-12-01T10:11:40+00:00"]], "count": 1, "over": false, "cancelled": false, "held": false}}, "since": "2026-12-01T10:11:40.057371+00:00"}',1796119928225489,1796119928225489,0,1796119933092257,NULL);
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
	endpoint TEXT, 
	token VARCHAR(64), 
	missed_at BIGINT, 
	CONSTRAINT pk_subscriber PRIMARY KEY (channel, chat)
)
 WITHOUT ROWID

;
INSERT INTO "subscriber" VALUES('telegram',5550001,'fr','[]','[]',3,NULL,NULL,1,NULL,NULL,NULL);
CREATE TABLE tally (
	channel VARCHAR(100) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	posts BIGINT NOT NULL, 
	CONSTRAINT pk_tally PRIMARY KEY (channel, state)
)
 WITHOUT ROWID

;
INSERT INTO "tally" VALUES('page','queued',0);
INSERT INTO "tally" VALUES('page','sending',0);
INSERT INTO "tally" VALUES('page','sent',8);
INSERT INTO "tally" VALUES('page','waiting',0);
INSERT INTO "tally" VALUES('telegram','queued',0);
INSERT INTO "tally" VALUES('telegram','sending',0);
INSERT INTO "tally" VALUES('telegram','sent',6);
INSERT INTO "tally" VALUES('telegram','waiting',0);
INSERT INTO "tally" VALUES('x','queued',0);
INSERT INTO "tally" VALUES('x','sending',0);
INSERT INTO "tally" VALUES('x','sent',4);
INSERT INTO "tally" VALUES('x','waiting',0);
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
INSERT INTO "token" VALUES('8v07bfnbkqff','sandbox','sandbox','reporter','74747d497d3cdfdc4ec31f4f73f831d3af616ee5b90217908248f6bd542f5e30',1796119934956211,'demo',1796119935092471,NULL);
CREATE TABLE utterance (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(26) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	remote_id TEXT NOT NULL, 
	root TEXT, 
	parent TEXT, 
	incident VARCHAR(26), 
	suggested BOOLEAN NOT NULL, 
	author VARCHAR(64), 
	sealed TEXT, 
	name TEXT, 
	text TEXT, 
	url TEXT, 
	language VARCHAR(35), 
	kind VARCHAR(16) NOT NULL, 
	kind_reason TEXT, 
	asks BOOLEAN NOT NULL, 
	raised BOOLEAN NOT NULL, 
	question VARCHAR(26), 
	state VARCHAR(16) NOT NULL, 
	said_at BIGINT NOT NULL, 
	heard_at BIGINT NOT NULL, 
	edited_at BIGINT, 
	hidden BOOLEAN NOT NULL, 
	hidden_at BIGINT, 
	private BOOLEAN NOT NULL, 
	exercise BOOLEAN NOT NULL, 
	told_at BIGINT, 
	"by" VARCHAR(100), 
	place TEXT, 
	vector BLOB, 
	CONSTRAINT uq_utterance_id UNIQUE (id)
);
INSERT INTO "utterance" VALUES(1,'7vvv10p5e1k4','page','122100000000000001_122100000000000004','1234567890_122100000000000001',NULL,'1hkqmfw27t5z',0,'f9ac3c588d4b4a2d7634df83010598e11fe4c2bf940a956cee7264c00f2bf45d','3840653806','Habitant 1','L''eau du robinet est-elle potable ?','https://www.facebook.com/1234567890/posts/122100000000000001?comment_id=122100000000000004',NULL,'question','{"code":"utterance_question"}',1,0,'s4hhz3e0zb7m','handled',1796119928000000,1796119933776820,NULL,0,NULL,0,0,NULL,NULL,NULL,X'6D31F8A72DA48D2C2E2B8CA80729EA26FBA4B6AC21A83F2AD5A72024B3241E9589A61EA2D1ACB1A820A560A140ACB1252F2B922D28A837A469A87B1EC3AC34ACF92831290DABDC2390297FA089209312D22CA02A8EABB328FDA72E2873A2C02DF5A7E6AB622CFC9C242BC12444A69B890F2C0FACA799D0A78C26EC27D0A3A124DDA703ACFAA8D7910DAB24A6A1A9F02AADA84A1FB527AF2CCAAA1EA7E9A820A7492DFBADA1A95BAA882AC8AA57A44DA9ED2781A425A503ACAFA1BE28B3284228CEA749A70C2EE3AAF71A7EA6CC258BA9CAA64D26A9AAE9A4C7AC042202A73629CFA12127A51D55A444246A278C29BE2BE7285AA9BF272BAD71A418258823A518BFA74AA11628E62574A4ABADA1A505A6432DEAA10823B2AB66A56FADEA26D1A916A4B92C902928AD9FA7582D9922822748AAF523CE2CBF1E7E98D91CE62150AC3F2B8D24182542A9E1A5C4A25528EB29652C5EA59929FC9480270D186DAC351CE529D8A9C7A61A24E42D9CA83E251EA41722591E14A9B328E3292620FD2C48A90FA49BAB91A5D4A59A2CB9AD51A83228B1985F270F2D82A83C2CC71E1AA6192D6CA585A4EAAA062DD926E3A9F322A4A7F1158DA89C2A432334A92CAA442C90A49C283DA4581CF2A4DC29942A89AA26ACB42BC42A1FAC979D9AA6E5A97F9DBA1D762C9FA466ACC52CEC2D0C9D6B9934A9C12B50A8372B1BA57D2AFC9E16A7F9AA39265028501E169541AA172380A00E23FFADF92A72A0092E0FA4F126D52A879DDE2BDF19CB202BA62B24E12909A887A3BF247DAA6A2A88A1DCA19A2360A442A7ED91990C4A25E89C23227EA78EACC32C69A9601EF8A840A1ADAC072A452ADD29BAAA7A2C36142FA6C42CDEA9E320632C952750AC51A6669E3CABC99C77A6C52063A3ADAC27A98DA5D0A41926742687234AADE829782D42A9B9A96529DC20359FA8AC61AAD523262C4AA0BAA433279524962535258E247EAA5AADAD9EAA986E21042A95AA232D4D29B11DD7A708282C2C53ACE6ADC023AEA9F3A9C32B6E2B30A9B62995A8ABA1ED2D16269929742CF4A8FE25BAA0A3A5162975ACFA2B292C5F2D94A984299DAA342C4D247C2534A52FAC7028812851AA082A45A58FA182A567A62F26E92C1FAB3A2D23AA09A345A330A2F62C73AB48ABF923AAA38FA91DA588A658ABE91749A8A42492A3D6A2F023F02099AA1A2DA5A230292729382D7425C3271E10B720C10F90AA442537AAC6A8B42A45AB3D2D2DA8D8A790ACBAAC4028922C8B260EACC5A6F5A51E2D6FAC1DA6CB293F274B26AAAD9E02AA1CA7A0762C709D4C29C42CBF13362C7CAB992CC5A28B2C4EA73DA15C270927892CFB263DA883A85EA486A74DAD1FA81D17EE2A709ED71D79267FA336AC6D2AA32CD1AA95ABE6A91EADC529DCA0E9A16DA5532BCF1B9DAD8726922C92A0E7280AA461262DA2D2AB082E70AB4A3ACDCC4C3F182013730000803FEB1504C00000C03FDA1433FB0000C03F');
INSERT INTO "utterance" VALUES(2,'9c82ambq387z','page','122100000000000001_122100000000000006','1234567890_122100000000000001',NULL,'1hkqmfw27t5z',0,'7514dc327f2e083e68ee46d0ffe48f0b2e91316ad19089e74239a6c40d4f7403','5473580369','Habitant 3','Bonjour, l''eau du robinet est potable ou pas ?','https://www.facebook.com/1234567890/posts/122100000000000001?comment_id=122100000000000006',NULL,'question','{"code":"utterance_question"}',1,0,'s4hhz3e0zb7m','handled',1796119928000000,1796119933776820,NULL,0,NULL,0,0,NULL,NULL,NULL,X'6D3195A57318652CFE29C1A9DF285D1AC9A25AAD63A5762A34A8E728A91E601EB0A42CA4AFAC76A93DA5D91E13AC9B24302A9C2DA8A64EA61EA91C22EFAC5BA84C1E6B2761AAC426462375A5731CF320E22C562955AAE72843A79229E49FEE2D03A2B5ABE42B8626182A712506A84E22C02BA9AC879940A7AC2930256AA4859C22A257AA41A90F2080A835A5D6A9222CF7A816A30C2C202DD9A905A6E9AA84A2F62C17AEDEA890A7571C21AB48AAEBA8D52861A75911A3AB8CA4A42899290F2842A819A81F2EDDA8E62213A88820E7AAC3A89B2B6BAB918C3DAC672354A8772628A0A22AE52256A614289523642AE22B042A1CA58B2211AD4F1CAD29E0947BA50DABCCA1C7281825819876ADEF987BA4AE2C499E592529AA0A9CD9AC352738A950A0902C9629B3AC32AAB82D071F6128E6A74024DE2C352241A1761B9917A9ABDF28CBAB092836A895A5D6A62D2D6129AC247EA52026AF9EDD2830A435AA649EFD2756AA2DA98F25D82D74A680268DA4AF1F0DA5F8A1A326CC29BDA34D2D19AA62A0DBAA42A77CA6272AB5ADDAA54025ABA25C254E2DF8A5572CCB9C80A1382D33A791112AAB292DB12162AA6026DA24CE9F16A9212C982829A6DFA9B6280EA6152959ABBF9607210928B7280EAB1CABDA2A482CA2AC432056A14BA9959D59A13F2C30A8B0AC442DFF2D27A509A312A4342AB6A80C2CD51D882C721D762157AAA129142A021C1D23C4ACCF1D9E24FB2705AE042AAE261B2E8EA63A1D932C68A28F2C36A1E222BAA1848E25278CA5FE96C22501AA7F2C6D20FD9C399C0B1E43A653256AA1B020838C711CA1A6C5ABFF2BC0A98826CBA03327C9AC692B062B3E2944AC932C3E286597502C23AC9FA28527D9290AAB1CA38DA8E729B01EAEA7F920329B5CADF3A562A264A61928FC227024EDACE229B22D34AC45A8841349264414FEAC4FAAF3269C2A42970C9EE22946241624EC26821744A9DCACAA2236212325392B35AA1E2D7B29211F86A9F225932A1AACF0AD942820AAA5A82D29002CE4A5AB245DA9461FDC2DF00A4E2AE32B2AAADE2438A26CA8782B66AC002C692C1B2D30A6EC2871AA232C10279D2219A930ABEB25332838AA852A1BAABBA4DD202EA46B285B2C70A8BD2CE0AAE5A566A3989D6B2C43AB45A8D8A502A63CA9EEA2E8A871ACC2A2E1A2CA269DA02E1F4E94E42216ACBF2668A529A00E221E2D1728532A9BA2E7210D25A5AAA32558A9A4A80A2D36ACB92D44AA0DAA25AAB8AC4225D32D2A9E03AB88A67C9A542D3BACFCA449268C27BF2995AD462417A858A98E2C121ADD297A2CB1A1242C9FACAA2D149C7E2B6BAA60A2852B69292B2569289AA4E7A681A76BA5B9AD4B1D0E251E29EF1C929CF522C4A8C7ACA12CC82C03AC07AC0BA86EADA727CA20FDA22EA6682C8F2737AD222A442C76A53D28C8A6D31885A599AB162E70AB4A3ACDCC4C3F182013730000803FEB1504C00000C03FDA1433FB0000C03F');
INSERT INTO "utterance" VALUES(3,'d70ca85nb91c','page','122100000000000001_122100000000000005','1234567890_122100000000000001',NULL,'1hkqmfw27t5z',0,'c96b4b72dcc5f904c2094e2ce322880859408ce6ed71fd62239263774c3e990b','6440381310','Habitant 2','Est-ce que l''eau du robinet est potable ?','https://www.facebook.com/1234567890/posts/122100000000000001?comment_id=122100000000000005',NULL,'question','{"code":"utterance_question"}',1,0,'s4hhz3e0zb7m','handled',1796119928000000,1796119933776820,NULL,0,NULL,0,0,NULL,NULL,NULL,X'6D31DDA6199CB02CC02AC0A81B27FBA06BA445AD30A8302A86A7A32A30270DA1629816207FAC68A8FAA59715C9AB3F29FD2ACC2D74A642A89EA76D1CA5AC5BAA1F288E25BEA98524C820139DB8A3B4249F2CE22889AA89255EA762271914852DA8A74DACFC2C1109802A002569A8DD257C2CE1AC0996E9A8CC26E524EFA3D8228AA7F8A909A7D4A06FAA08A639AAC52690A61B1D062ACE2CF4AAF0A609A91BA6242D5DAEB1A94EA94E2638AA51A256A8032846A436A0EEAAD9A36729E2281C2928A5EFA86B2E4EA8750E75A7C32756AA1CA802285FA9041E69ADF72510A69026B5A56521CF1F45A21624A6259C28CF2B4F2990A45C2732ADD5A4F0228F261D9F8EA817A5C728402834A595ADADA0F7A82A2DBAA512A5FBAC26A473AD38217BA794A4032DC9295EAD4EA83B2E0522B82536A62520AC2C90A0E18F4A1C6D0FDFABAF2AB427F42402A9F6A3A3A55F263728382C14A50528209A8025602230AC9081362760A692A90E204F2EECA52C2499A4BC21BDA23EA8DD281129F717722D01A98C10C0A975A676A29B2CCCADCEA66B24DCA13796582DFCA50E2C8A156FA8672D56A852A12DAA592D98259AAB7926042633A411A6E82B052664A9A4AA122C0AA8B9286F99D79D22A38928062A5AA951AC142C172BECAB16A1C7A3AAA8D81DDA1C2C2D86A55AACF12C382E2DA1579BBEAC032B4DA86F2B3AA79C2B18A15FA3CEA8AC28F0286B23DD2132A96B2059A3141C52AE3E2ACB18632E01A4AE95F92A879F642CC498792300A9951F7128C0A6F9A8FC2180AB4D2BDA993022002593A208A54F95911E1022E522E62006A8B3ACBD2C48A7AC9ADEA74B24A7ACB32B692901295CA91E2C98256F9EEA2C47ABC5228F2BC3254EAC9AA621228DA9B8A4B2A7D7A347A1B0AC26AA35A498A3E7256F2420A255AD3B293F2E80AB19A93528A226C68B9DACB6AAA822092CE89140A6F829FB285E296B1FA50E0CAA0CAD6D9C84A0B426592AC2AA722DE429CF0E8FA78A26E32A40AC12AEA223A7AAF7A85E2A012CD3A752291DA962A5192E53248E284E2CA6AAB81B13A07AA9292C04AC212C242C682D0BAABB2834AA892C6618EC2188A47DAC7E29592857AB302A6EA666A9EC9E74A16B2AFA2C78A92B2DA9A9E4A300A037A5BF2C94AB8FAAC02594A446A9E31EDBA5A7AB19A2CC1F8F2503A613A162206428F5A9A72D25A6032A5B29902DD724602787952A94A623C4A672270DAA1BA8A52C4CAA4B2D14A8B5A651A9FBACBB26E22BBF228BAA2FA6839E282D4FAC47A65A25A5257129EDADBC1F501B74A65A2C3B154B29F92C99A6B92BF3AA692D8A1C902B1FA6D69AFB291D2AC9294127C3A187A644A074A79FADC5A04A20622B989D9CA395251AA4C2AC272A212CD9A96FACABA893AD3129D19C44A2F5A6C92B0C23E4AD5429322CE59FA9281DA3D728CCA62CAB6B2E70AB4A3ACDCC4C3F182013730000803FEB1504C00000C03FDA1433FB0000C03F');
CREATE INDEX ix_alert_incident ON alert (incident);
CREATE INDEX ix_alert_held ON alert (state) WHERE state IN ('waiting', 'left_out', 'rejected');
CREATE INDEX ix_alert_expires ON alert (expires);
CREATE INDEX ix_alert_topic ON alert (topic);
CREATE INDEX ix_alert_identifier ON alert (identifier);
CREATE INDEX ix_alert_open ON alert (state, closed_at, expires);
CREATE INDEX ix_alert_on ON alert (severity, expires) WHERE state = 'accepted' AND closed_at IS NULL;
CREATE INDEX ix_alert_source ON alert (source) WHERE source <> '';
CREATE INDEX ix_alert_content_key ON alert (content_key);
CREATE INDEX ix_alert_headline ON alert (headline);
CREATE INDEX ix_decision_alert_id ON decision (alert_id);
CREATE INDEX ix_token_folded ON token (folded);
CREATE INDEX ix_sign_in_address ON sign_in (address, at);
CREATE INDEX ix_sign_in_name ON sign_in (folded, at);
CREATE INDEX ix_audit_subject ON audit (subject);
CREATE INDEX ix_draft_account ON draft (account);
CREATE INDEX ix_dispatch_sent_at ON dispatch (sent_at);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE UNIQUE INDEX ix_subscriber_token ON subscriber (token);
CREATE INDEX ix_received_incident ON received (channel, incident, chat);
CREATE INDEX ix_held_back_until ON held_back (channel, until);
CREATE INDEX ix_officer_chat_account ON officer_chat (account);
CREATE INDEX ix_utterance_unread ON utterance (raised, seq) WHERE state = 'unread';
CREATE UNIQUE INDEX ix_utterance_remark ON utterance (channel, remote_id);
CREATE INDEX ix_utterance_question ON utterance (question, seq) WHERE question IS NOT NULL;
CREATE INDEX ix_utterance_incident ON utterance (incident);
CREATE INDEX ix_utterance_words ON utterance (heard_at) WHERE text IS NOT NULL;
CREATE INDEX ix_question_state ON question (state);
CREATE INDEX ix_question_incident ON question (incident);
CREATE INDEX ix_answer_question ON answer (question);
CREATE INDEX ix_moderation_utterance ON moderation (utterance);
CREATE INDEX ix_poll_state ON poll (state);
CREATE INDEX ix_poll_created_at ON poll (created_at);
CREATE INDEX ix_report_cited ON report (received_at) WHERE draft IS NOT NULL AND incident IS NULL;
CREATE INDEX ix_report_open ON report (state, seq) WHERE state IN ('received', 'held', 'accepted', 'assigned');
CREATE INDEX ix_report_sourced ON report (received_at) WHERE source IS NOT NULL;
CREATE INDEX ix_report_chat ON report (channel, chat);
CREATE INDEX ix_report_draft ON report (draft);
CREATE INDEX ix_report_closed ON report (closed_at);
CREATE INDEX ix_report_duplicate ON report (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX ix_report_kind ON report (kind, at);
CREATE INDEX ix_report_incident ON report (incident);
CREATE INDEX ix_report_likeness ON report (likeness);
CREATE INDEX ix_report_exact ON report (received_at) WHERE NOT rounded;
CREATE INDEX ix_report_source_at ON report_source (at);
CREATE INDEX ix_report_source_pace ON report_source (source, at);
CREATE INDEX ix_report_source_place ON report_source (kind, at, lat, lon);
CREATE INDEX ix_report_step_untold ON report_step (channel, seq) WHERE told_at IS NULL AND chat IS NOT NULL;
CREATE INDEX ix_report_step_report ON report_step (report);
CREATE INDEX ix_report_photo_at ON report_photo (at);
CREATE INDEX ix_content_notice_state ON content_notice (state);
CREATE INDEX ix_content_notice_report ON content_notice (report);
CREATE INDEX ix_report_forward_due ON report_forward (forward, state, next_try);
CREATE INDEX ix_report_begun_at ON report_begun (at);
CREATE INDEX ix_reference_alert_id ON reference (alert_id);
CREATE INDEX ix_post_sent ON post (channel, sent_at);
CREATE INDEX ix_post_sent_at ON post (sent_at);
CREATE INDEX ix_post_open ON post (state, priority, seq) WHERE state IN ('waiting', 'queued', 'sending', 'in_doubt', 'failed');
CREATE INDEX ix_post_alert_id ON post (alert_id);
CREATE INDEX ix_post_answer ON post (answer) WHERE answer IS NOT NULL;
CREATE INDEX ix_post_lane ON post (channel, state, priority DESC, seq);
CREATE INDEX ix_post_thread ON post (incident, channel, seq);
CREATE INDEX ix_passkey_account ON passkey (account);
CREATE INDEX ix_session_account ON session (account);
CREATE INDEX ix_session_expires_at ON session (expires_at);
CREATE INDEX ix_bulk_incident ON bulk (incident);
CREATE INDEX ix_bulk_work ON bulk (channel, state, seq);
CREATE INDEX ix_bulk_alert_id ON bulk (alert_id);
CREATE INDEX ix_ballot_network ON ballot (poll, network);
CREATE INDEX ix_attempt_known ON attempt (channel, seq) WHERE remote_id IS NOT NULL;
CREATE INDEX ix_attempt_pace ON attempt (channel, counts, left_at);
CREATE INDEX ix_attempt_under_way ON attempt (seq) WHERE ended_at IS NULL;
CREATE INDEX ix_attempt_remote_id ON attempt (channel, remote_id, seq) WHERE remote_id IS NOT NULL;
CREATE INDEX ix_attempt_post_id ON attempt (post_id);
CREATE INDEX ix_attempt_open ON attempt (channel, ended_at);
CREATE TRIGGER post_is_counted AFTER INSERT ON post BEGIN INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) ON CONFLICT (channel, state) DO UPDATE SET posts = posts + 1; END;
CREATE TRIGGER post_is_counted_anew AFTER UPDATE OF channel, state ON post WHEN OLD.state <> NEW.state OR OLD.channel <> NEW.channel BEGIN UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state; INSERT INTO tally VALUES (NEW.channel, NEW.state, 1) ON CONFLICT (channel, state) DO UPDATE SET posts = posts + 1; END;
CREATE TRIGGER post_is_counted_no_more AFTER DELETE ON post BEGIN UPDATE tally SET posts = posts - 1 WHERE channel = OLD.channel AND state = OLD.state; END;
CREATE TRIGGER alert_is_found AFTER INSERT ON alert BEGIN INSERT INTO alert_words (rowid, words) VALUES (NEW.seq, (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ß', 'ss'), '’', ''''), '̀', ''), '́', ''), '̂', ''), '̃', ''), '̈', ''), '̊', ''), '̧', '') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ý', 'y'), 'ÿ', 'y'), 'Ý', 'y'), 'Ÿ', 'y'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ö', 'o'), 'ø', 'o'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o'), 'Ö', 'o'), 'Ø', 'o'), 'ù', 'u'), 'ú', 'u'), 'û', 'u'), 'ü', 'u') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'î', 'i'), 'ï', 'i'), 'Ì', 'i'), 'Í', 'i'), 'Î', 'i'), 'Ï', 'i'), 'ñ', 'n'), 'Ñ', 'n'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ç', 'c'), 'Ç', 'c'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'ì', 'i'), 'í', 'i') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a'), 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a') AS folded FROM (SELECT coalesce(NEW.headline, '') || char(10) || coalesce(NEW.id, '') || char(10) || coalesce(NEW.identifier, '') AS folded)))))))); END;
CREATE TRIGGER alert_is_found_anew AFTER UPDATE OF seq, id, identifier, headline ON alert BEGIN INSERT INTO alert_words (alert_words, rowid, words) VALUES ('delete', OLD.seq, (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ß', 'ss'), '’', ''''), '̀', ''), '́', ''), '̂', ''), '̃', ''), '̈', ''), '̊', ''), '̧', '') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ý', 'y'), 'ÿ', 'y'), 'Ý', 'y'), 'Ÿ', 'y'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ö', 'o'), 'ø', 'o'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o'), 'Ö', 'o'), 'Ø', 'o'), 'ù', 'u'), 'ú', 'u'), 'û', 'u'), 'ü', 'u') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'î', 'i'), 'ï', 'i'), 'Ì', 'i'), 'Í', 'i'), 'Î', 'i'), 'Ï', 'i'), 'ñ', 'n'), 'Ñ', 'n'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ç', 'c'), 'Ç', 'c'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'ì', 'i'), 'í', 'i') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a'), 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a') AS folded FROM (SELECT coalesce(OLD.headline, '') || char(10) || coalesce(OLD.id, '') || char(10) || coalesce(OLD.identifier, '') AS folded)))))))); INSERT INTO alert_words (rowid, words) VALUES (NEW.seq, (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ß', 'ss'), '’', ''''), '̀', ''), '́', ''), '̂', ''), '̃', ''), '̈', ''), '̊', ''), '̧', '') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ý', 'y'), 'ÿ', 'y'), 'Ý', 'y'), 'Ÿ', 'y'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ö', 'o'), 'ø', 'o'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o'), 'Ö', 'o'), 'Ø', 'o'), 'ù', 'u'), 'ú', 'u'), 'û', 'u'), 'ü', 'u') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'î', 'i'), 'ï', 'i'), 'Ì', 'i'), 'Í', 'i'), 'Î', 'i'), 'Ï', 'i'), 'ñ', 'n'), 'Ñ', 'n'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ç', 'c'), 'Ç', 'c'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'ì', 'i'), 'í', 'i') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a'), 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a') AS folded FROM (SELECT coalesce(NEW.headline, '') || char(10) || coalesce(NEW.id, '') || char(10) || coalesce(NEW.identifier, '') AS folded)))))))); END;
CREATE TRIGGER alert_is_found_no_more AFTER DELETE ON alert BEGIN INSERT INTO alert_words (alert_words, rowid, words) VALUES ('delete', OLD.seq, (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ß', 'ss'), '’', ''''), '̀', ''), '́', ''), '̂', ''), '̃', ''), '̈', ''), '̊', ''), '̧', '') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ý', 'y'), 'ÿ', 'y'), 'Ý', 'y'), 'Ÿ', 'y'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ö', 'o'), 'ø', 'o'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o'), 'Ö', 'o'), 'Ø', 'o'), 'ù', 'u'), 'ú', 'u'), 'û', 'u'), 'ü', 'u') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'î', 'i'), 'ï', 'i'), 'Ì', 'i'), 'Í', 'i'), 'Î', 'i'), 'Ï', 'i'), 'ñ', 'n'), 'Ñ', 'n'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'ç', 'c'), 'Ç', 'c'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'ì', 'i'), 'í', 'i') AS folded FROM (SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(folded, 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a'), 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a') AS folded FROM (SELECT coalesce(OLD.headline, '') || char(10) || coalesce(OLD.id, '') || char(10) || coalesce(OLD.identifier, '') AS folded)))))))); END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the record of who did what only grows'); END;
PRAGMA writable_schema=OFF;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',11);
INSERT INTO "sqlite_sequence" VALUES('alert',5);
INSERT INTO "sqlite_sequence" VALUES('decision',18);
INSERT INTO "sqlite_sequence" VALUES('post',18);
INSERT INTO "sqlite_sequence" VALUES('bulk',4);
INSERT INTO "sqlite_sequence" VALUES('attempt',18);
INSERT INTO "sqlite_sequence" VALUES('utterance',3);
INSERT INTO "sqlite_sequence" VALUES('answer',1);
INSERT INTO "sqlite_sequence" VALUES('report',5);
INSERT INTO "sqlite_sequence" VALUES('report_step',5);
COMMIT;