"""By which words an utterance is taken for a call for help, a rumour, anger, thanks or a question.

The lists are made of what people write in such messages, for French first. They are long on purpose where somebody may be in
danger: whoever reads a false alarm loses two seconds. What they catch and what they miss is measured (`docs/listening.md`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alerts.listening.lexicon import any_of

NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Sign:
    """What an utterance shows when one entry of each list is in it, and none of `unless`."""

    name: str
    needs: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] = NOTHING

    def __call__(self, words: str) -> bool:
        """Whether it is in these words, which `lexicon.plain` made."""
        return all(each.search(words) for each in self.needs) and not self.unless.search(words)


PEOPLE = any_of(
    "grand_mere grand_pere grands_parents mamie mamy papi papy maman papa mere. pere. parents. mari. femme. epouse epoux. "
    "conjoint compagn copine. copain. fils. fille. filles. enfant bebe nourrisson gamin gosse petit. petite. petits. frere "
    "soeur tante. tonton. oncle. cousin neveu niece voisin voisine ami. amie. amis. collegue personne. personnes. gens. "
    "quelqu_un homme. hommes. dame. dames. monsieur famille ado. jeune. randonneu cycliste conducteur passager chauffeur "
    "gardien passant agee. ages. agees. ancien_ habitant resident client eleve pompier. on_est on_etait nous_sommes nous_on "
    "je_suis j_ai_ je_vais je_n je_peux je_sens suis_ il_est elle_est ils_sont elles_sont il_ne elle_ne il_peut elle_peut "
    "mother father mum mom dad daddy grandma grandad grandpa grandmother grandfather nan. husband wife son. daughter kid "
    "child baby boy girl man. woman men. women neighbour neighbor people someone somebody person family friend brother "
    "sister driver we_are we_re i_m. i_am i_can they_are he_s she_s he_is she_is "
)
_TRAFFIC = any_of(
    "bouchon embouteill boulot travail bureau train. trains. gare. aeroport peage facebook compte. messenger site. "
    "traffic jam. work. mdr ptdr lol. route_bloq rue_bloq"
)

HELP: tuple[Sign, ...] = (
    Sign(
        "a cry for help",
        (
            any_of(
                "au_secours secours_ sos. mayday a_l_aide. aidez aider_nous aide_moi aide_nous venez_vite venez_nous venez_me "
                "venez_chercher venez_l_aider venez. envoyez_ envoyer_quelqu envoyer_les_secours besoin_d_aide "
                "besoin_d_une_barque besoin_de_secours besoin_d_un_medecin besoin_d_un_bateau besoin_urgent urgent_besoin "
                "besoin_de_parler appelez_les appelez_le_1 appeler_les_pompiers appeler_le_samu appelez_quelqu prevenez_les "
                "quelqu_un_peut_venir quelqu_un_peut_appeler quelqu_un_peut_aller quelqu_un_pourrait_aller qui_peut_aller "
                "secourir nous_a_oublie on_nous_oublie personne_ne_vient personne_vient aller_le_chercher "
                "please_help help_us help_me help_please need_help need_a_hand need_rescue send_someone send_help "
                "nobody_is_coming no_one_is_coming rescue_us call_911 call_112 call_an_ambulance"
            ),
        ),
        any_of(
            "secours_populaire secours_catholique benevol aider_les_sinistr venez_nombreux aux_secours les_secours_s bravo"
        ),
    ),
    Sign(
        "somebody who can't get out",
        (
            PEOPLE,
            any_of(
                "coince bloque bloquee pieg enferm encercl cerne emmure prisonni isole isolee retenu assieg ensevel pris_au "
                "peut_plus_sortir peut_pas_sortir peuvent_pas_sortir peux_plus_sortir impossible_de_sortir impossible_sortir "
                "sur_le_toit sur_un_toit au_grenier au_premier_etage_l_eau dans_l_ascenseur veut_plus_s_ouvrir accroche "
                "trapped stuck locked_in surrounded cut_off on_the_roof on_our_roof in_the_attic can_t_get_out can_t_leave"
            ),
        ),
        _TRAFFIC,
    ),
    Sign(
        "somebody who doesn't answer",
        (
            PEOPLE,
            any_of(
                "repond_plus repond_pas repondent_pas repondent_plus ne_repond sans_nouvelle plus_de_nouvelle pas_de_nouvelle "
                "aucune_nouvelle decroche_pas decroche_plus impossible_de_joindre impossible_a_joindre injoignable "
                "n_arrive_pas_a_joindre arrive_plus_a_joindre peut_pas_joindre pas_rentre pas_revenu est_pas_rentree "
                "disparu portee_disparu introuvable s_est_enfui a_fugue s_est_perdu s_est_perdue est_perdu perdu_au perdu_dans "
                "perdue_dans isn_t_answering not_answering doesn_t_answer no_answer can_t_reach no_news missing. disappeared "
                "hasn_t_come_back not_come_back not_come_home"
            ),
        ),
        any_of("telephone_ne_repond mairie standard chat chien doudou"),
    ),
    Sign(
        "an injury or an illness",
        (
            any_of(
                "malaise. inconscien evanoui sans_connaissance saigne hemorrag pisse_le_sang perd_du_sang perd_son_sang "
                "blesse crise_cardiaque infarctus avc. fait_une_crise respire_plus respire_pas respire_mal respirer_avec "
                "plus_a_respirer du_mal_a_respirer suffoqu etouff contractions accouch perdu_les_eaux intoxiqu monoxyde "
                "vomi convuls jambe_cassee bras_casse fracture electrocut bouge_pas bouge_plus se_relever se_lever ouvert_la "
                "mal_a_la_poitrine fait_une_chute sens_plus brule_au brulee_au brule_a_ overdose percut ecrase renvers_par "
                "ont_la_diarrhee au_sol_ noye noyade fievre_et hypotherm tremblent collapsed bleeding unconscious injured "
                "hurt. broken_leg broken_arm heart_attack can_t_breathe not_breathing overdosed drowning drowned "
            ),
        ),
        any_of("renverse_un_pot don_du_sang combien_de_bless combien_de_mort malaise_social etouffant de_rire"),
    ),
    Sign(
        "medicine or a device that is missing",
        (
            any_of(
                "oxygene. insuline dialys respirateur lit_medicalise medicament traitement. fauteuil_roulant diabet asthm "
                "perfusion ventilateur_medical insulin oxygen. wheelchair ventilator dialysis medication medicine_"
            ),
            any_of(
                "plus_de plus_d plus_. sans. coupe coupee coupure courant. electricite batterie besoin impossible bloque bloquee isole "
                "panne evacuer rien_ne_passe marche_pas marchent_pas marchent_plus marche_plus suffo cut_off no_power out_of "
                "run_out running_out need need_ dead. told_to_evacuate"
            ),
        ),
    ),
    Sign(
        "fire or smoke where people are",
        (
            any_of(
                "au_feu. le_feu_dans le_feu_a le_feu_chez le_feu_au ca_brule. ca_brule_ en_feu en_flamme les_flammes prend_feu "
                "pris_feu a_pris_feu fumee_entre fumee_rentre avec_la_fumee fumee_dans plein_de_fumee explosion explose "
                "exploser fire_in house_is_on_fire on_fire is_burning fire_next_to smoke_in surrounded_by_smoke "
                "surrounded_by_fire"
            ),
        ),
        any_of("feu_d_artifice feu_tricolore feu_rouge feux_rouge feu_au_lac en_feu_de mettent_le_feu"),
    ),
    Sign(
        "water where people are",
        (
            any_of(
                "emporte_par emportee_par emportes_par emporte_le ont_emporte est_emporte a_ete_emporte eau_monte eau_rentre "
                "eau_arrive eau_aux_genoux eau_jusqu l_eau_continue dans_la_riviere dans_le_canal dans_l_eau dans_la_rivier "
                "au_milieu_de_l_eau au_milieu_du_gue tombe_a_l_eau tombee_a_l_eau coule_dans en_train_de_couler est_descendu "
                "glace_de sur_la_glace sur_l_etang through_the_ice in_the_water in_the_river water_is_coming water_coming "
                "water_is_rising swept_away up_to_our"
            ),
            PEOPLE,
        ),
        any_of("canard cygne chat. chien"),
    ),
    Sign(
        "water where people are",
        (
            any_of(
                "eau_monte_vite eau_rentre_par on_monte_au grenier l_eau_monte l_eau_arrive_au eau_jusqu_aux_genoux "
                "eau_jusqu_a_la de_l_eau_jusqu la_digue_a_lache sur_la_table water_is_coming_in"
            ),
        ),
        any_of("mer_va_monter jusqu_ouu jusqu_ou."),
    ),
    Sign(
        "something that fell or broke with people there",
        (
            any_of(
                "effondr ecroul ensevel decombres sous_les_ tombe_sur tombee_sur tombe_dans tombee_dans tombe_de. est_tombe "
                "est_tombee suis_tombe pont_s_est_casse s_est_casse plafond_est_tombe toiture_est_partie toit_est_parti coulee_de_boue "
                "glissement_de_terrain chute_de. quelqu_un_dessous quelqu_un_dedans quelqu_un_a_l_interieur est_a_l_interieur "
                "des_gens_dans des_gens_dedans gens_dans_le still_in_it with_people people_inside fell_on fell_into collapsed_on "
                "under_the_rubble coince_sous dessous. des_cris. crie. crient. "
            ),
            PEOPLE,
        ),
        any_of("par_hasard en_panne personne_dedans plus_personne"),
    ),
    Sign(
        "gas or a live wire",
        (
            any_of(
                "odeur_de_gaz sent_le_gaz ca_sent_le_gaz fuite_de_gaz sentons_le_gaz smell_gas smell_of_gas gas_leak etincelle "
                "fil_electrique cable_electrique ligne_electrique fil_tombe cable_par_terre sous_tension line_down wire_down "
                "sparking transfo_va poteau_electrique_tombe"
            ),
        ),
    ),
    Sign(
        "somebody who can't leave alone",
        (
            PEOPLE,
            any_of(
                "peuvent_pas_marcher peut_pas_marcher peut_plus_marcher marche_plus grabataire alite alitee sourd. sourde. aveugle "
                "alzheimer fauteuil_roulant_ handicap seul_avec seule_avec seul_dans seule_dans seul_ds habite_seul vit_seul "
                "vit_seule lives_alone is_alone can_t_walk bedridden avec_un_nourrisson sans_chauffage dehors_avec tremblent on_est_dehors "
                "agees_avec tout_seul toute_seule"
            ),
        ),
        any_of("numero. vivent_seules"),
    ),
    Sign(
        "a threat to a life",
        (
            any_of(
                "vais_mourir va_mourir vont_mourir on_va_mourir suicid envie_de_vivre envie_de_mourir en_finir menace_de_saut "
                "va_sauter sauter_du sauter_il arme_qui homme_arme avec_un_couteau avec_un_fusil il_me_frappe il_casse_la "
                "casse_la_porte me_tuer nous_tuer il_y_a_un_corps un_corps_dans j_ai_peur_il armed_man going_to_die kill_me "
                "kill_himself kill_herself kill_myself un_cadavre"
            ),
        ),
        any_of("de_rire de_chaud de_faim"),
    ),
)

HARM = any_of(
    # bodies
    "saign sang. douleur mal_a_la. mal_au_ souffr hurle crie. crient. gemi delir tete_qui_tourne malaise inanime inerte allonge_ par_terre "
    "au_sol. convuls epilep crise allerg cardia avc. paralys plegique oedeme infarctus cancer. greffe respir_ toux_ suffo etouf "
    "gorge. brulure brule brulant gele. gelee bleu. bleue hypotherm froid_tres tres_froid deshydrat boit_plus ne_boit_plus mange_plus "
    "rien_mange rien_bu vomi avale ingere intox empoison glisse tombe tombee tombes chute plaie coupe_la fractur casse_la "
    "jambe. jambes. bras. tete. dos. dessus_de_lui ecrase pris_sous prise_sous coince coincee coinces foudr electrocut "
    "inconsc reagi reagit bouge. bougent repond evanou enceinte accouch contraction bipap respirat oxyg insulin dialys "
    "hurt pain bleed blood faint breath burning. choking allerg diabet seizure confused feel_her feel_his feel_my hypotherm "
    "collapsed injur broken "
    # water, ground, fire, air
    "noy courant. coul derive retourne chavir emport emporte avalanche eboul boue. ensevel effondr ecroul cede. ceder lache. "
    "passe_par_dessus sur_le_capot dans_un_arbre sur_le_toit radeau puits cuve crevasse gouffre grotte trou. au_fond. "
    "feu_de foret_brule flamm explos incendie fumee gaz. monox nuage_ fuit. fuite etincel alarme ca_pique piquent "
    "drown swept roof ice_floe flames smoke came_down trapped stuck "
    # people who are missing, or can't move
    "introuvable disparu pas_revenu jamais_revenu pas_rentre jamais_rentre pas_presente toujours_dans toujours_pas quelqu_un_a_vu "
    "egare perdu_deux perdu_mon perdu_ma_f on_a_perdu sans_nous_voir sans_nouvelle never_came not_back gone_missing didn_t_come "
    "ose_plus peut_plus peux_plus arrive_plus marche_plus s_ouvre_plus voit_plus voit_pas porter_mon porter_ma evacuation_demandee "
    "par_ou_partir ou_partir verrouill enferm bloque bloquee isole seule_a seul_a "
    # people who do harm
    "machette couteau arme. fusil carabin tire. tirent tirs coups_de_feu agress frappe viole menace attaque gun. knife shooting attack "
    # what keeps somebody alive
    "plus_de_medic plus_de_depak a_plus_de_ sans_eau sans_electricite hors_service batterie s_arrete_dans"
)
"""Words of harm: with a person, or somebody who speaks of himself, they may be a call; alone they are news."""
SELF = any_of(
    "je_suis j_ai_ j_ose j_entends je_saigne je_suffoque je_sens je_peux je_n_ je_ne_ m_est mon. ma. mes. moi_et avec_moi on_est_ on_a_ on_etouffe on_va_ "
    "nous_a nous_sommes sur_nous chez_nous. notre. nos. autour_de_nous i_m i_am my. we_are we_re on_us. us. dos_de_mon"
)
CALM = any_of(
    "heureusement tout_va_bien ca_va_mieux sain_et_sauf saine_et_sauve retrouve personne_de_touche personne_dedans pas_de_blesse "
    "aucun_blesse plus_de_peur_que_de_mal rien_de_grave mdr. ptdr. lol. plus_personne merci. bravo. a_vendre justificatif "
    "assurance rembours normal. beau. belle. ravi photo video match. bouchon embouteill"
)
"""Signs that nobody is in danger; they hold back `HARM` alone, never one of the signs of `HELP`."""

RUMOUR = any_of(
    "il_parait parait_qu parait_il il_paraitrait il_semblerait on_me_dit on_m_a_dit m_a_dit_que m_a_dit_qu me_l_a_dit "
    "j_ai_entendu_dire entendu_dire j_ai_entendu_qu info_ou_intox intox. rumeur vrai_ou_faux c_est_vrai_que c_est_vrai_qu "
    "est_ce_vrai est_il_vrai vrai_que_ fake_news fake. hoax on_raconte_que on_raconte_qu on_dit_que selon_facebook "
    "sur_whatsapp lu_sur_facebook vu_sur_facebook vu_sur_tiktok d_apres_ma d_apres_mon d_apres_un d_apres_une pompier_dit "
    "pote_dit ami_dit amie_dit cousin_dit cousine_dit voisin_dit voisine_dit qu_il_dit qu_elle_dit on_nous_cache "
    "nous_cache_tout cache_la_verite j_ai_vu_passer apparemment personne_en_parle personne_n_en_parle il_y_aurait "
    "il_se_dit radio_trottoir cette_histoire_de sur_insta serait_pollue seraient_ "
    "quelqu_un_confirme vous_confirmez bruit_court i_heard someone_told_me somebody_told_me is_it_true they_say rumour rumor"
)

ANGER = any_of(
    "honte. honteu scandal inadmissible inaccept lamentable minable incapable incompeten nul. nuls. nulle. nulles. clown "
    "guignol bande_de foutez foutent foutre merde connard idiots. imbecile abruti ras_le_bol y_en_a_marre en_a_marre marre_de "
    "n_importe_quoi nous_prend nous_prenez vous_prenez degueul dictatur demission pauvre_france servez_a_rien sert_a_rien "
    "a_quoi_vous_serv vous_servez pour_rien. merci_bien comme_d_habitude comme_toujours bien_joue_la toujours_les_memes "
    "aucun_respect du_sang_sur_les_mains nos_impots arretez_de. spammer vous_auriez_pu personne_ne_fait_rien personne_fait_rien "
    "pitoyable zero_pointe "
    "pas_capables pas_fichu irrespons menteur mensonge la_com_avant pose_pour_la pendant_ce_temps_la vous_effacez "
    "what_are_we_paying_taxes disgrace shame useless pathetic idiots incompetent joke_of fed_up "
)
ROLLING_EYES = ("🙄", "😡", "🤬", "😠", "🤦", "🤡", "💩")

THANKS = any_of(
    "merci remerci bravo chapeau. felicit gratitude cimer bon_boulot beau_travail bon_travail super_reactiv super_travail "
    "bien_joue formidable top. ca_rassure thank great_job well_done good_job cheers."
)

ASKS = any_of(
    "est_ce_que est_ce_qu est_ce_normal est_ce_dangereux est_ce_vrai est_elle est_il sont_ils sont_elles a_t_il a_t_elle y_a_t_il "
    "y_aura_t_il ya_t_il y_a_til t_il. t_elle. t_on. peut_on puis_je peut_elle peut_il peuvent_ils pouvez_vous pourriez_vous "
    "savez_vous avez_vous vous_savez_si vous_savez_ou vous_avez_des_nouvelles quelqu_un_sait quelqu_un_connait qui_sait "
    "on_sait_quand on_sait_si sait_on doit_on dois_je doit_il faut_il que_faire je_voudrais_savoir je_cherche_a_savoir "
    "a_quelle_heure a_quelle_date a_quel_ de_quel_ dans_quel_ jusqu_a_quand jusqu_a_quelle pour_quand c_est_quand c_est_quoi c_est_ou "
    "comment_savoir combien_de_temps a_partir_de_quand qui_appeler qui_contacter a_qui_s a_qui_on ou_pas. ou_non. "
    "qu_est_ce on_fait_quoi fais_quoi on_fait_comment faut_faire_quoi qui_paie prevue_quand prevu_quand "
    "reporte_quand arrive_quand ouvre_quand c_est_pour_qui c_est_a_qui "
    "do_i do_we can_i can_we is_it are_there is_there does_anyone anyone_know when_will how_long "
)
ASKS_FIRST = re.compile(
    r"^(?:(?:bonjour|bonsoir|bjr|bsr|salut|hello|hi|et|mais|svp|mairie|excusez moi|pardon) )*"
    r"(?:quand|quels|quelles|quelle?(?! (?:dommage|bonheur|chance|horreur|galere|nuit|tristesse|plaisir|courage|honte|alarme|beau|belle))|ou|ouu|comment|combien|pourquoi|qui|que faire|quid|lequel|laquelle|"
    r"y a t|a t on|ya t|y a til|ya til|what|when|where|which|how|who|why|is|are|will|can|could|do|does|should)\b"
)
