"""The frame words of a prompt, by language."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from hubbub.mind.quoting import one_line


@dataclass(frozen=True, slots=True)
class Words:
    """Frame words of one language; the first two fields are its names in English and in itself."""

    english: str
    own_name: str
    write: str  # a sentence that asks to write in this language
    you_are: str
    interests: str
    followers: str
    following: str
    day: str
    memory: str
    news: str
    groups: str
    feed: str
    nothing: str
    none_found: str
    minutes: str
    hours: str
    days: str
    likes: str
    dislikes: str
    shares: str
    shared_by: str
    reported_by: str
    follow: str  # what somebody did to the reader, after that user's name
    comment: str
    repost: str
    quote: str
    mention: str
    members: str
    joined: str  # said of a group that the reader is in


#: code -> the fields of Words in order, separated by |.
_LANGUAGES = {
    "en": "English|English|Write in English.|You are|Interests|followers|following|day|"
    "You remember|New|Groups|You see|Nothing to see.|Nothing found.|m|h|d|likes|dislikes|reposts|"
    "reposted by|reported by|followed you|replied|reposted you|quoted you|mentioned you|members|"
    "yours",
    "de": "German|Deutsch|Schreibe auf Deutsch.|Du bist|Interessen|Follower|folgst|Tag|"
    "Du erinnerst dich|Neu|Gruppen|Du siehst|Nichts zu sehen.|Nichts gefunden.|Min|Std|T|Likes|"
    "Dislikes|Reposts|geteilt von|gemeldet von|folgt dir|antwortet|teilt dich|zitiert dich|"
    "erwähnt dich|Mitglieder|deine",
    "es": "Spanish|Español|Escribe en español.|Eres|Intereses|seguidores|sigues|día|Recuerdas|"
    "Nuevo|Grupos|Ves|Nada que ver.|No se encontró nada.|min|h|d|me gusta|no me gusta|reposts|"
    "compartido por|denunciado por|te sigue|respondió|te compartió|te citó|te mencionó|miembros|"
    "tuyo",
    "fr": "French|Français|Écris en français.|Tu es|Centres d'intérêt|abonnés|abonnements|jour|"
    "Tu te souviens|Nouveau|Groupes|Tu vois|Rien à voir.|Rien trouvé.|min|h|j|j'aime|"
    "je n'aime pas|partages|partagé par|signalé par|te suit|a répondu|t'a partagé|t'a cité|"
    "t'a mentionné|membres|le tien",
    "pt": "Portuguese|Português|Escreva em português.|Você é|Interesses|seguidores|seguindo|dia|"
    "Você lembra|Novo|Grupos|Você vê|Nada para ver.|Nada encontrado.|min|h|d|curtidas|"
    "descurtidas|reposts|repostado por|denunciado por|seguiu você|respondeu|repostou você|"
    "citou você|mencionou você|membros|seu",
    "it": "Italian|Italiano|Scrivi in italiano.|Sei|Interessi|follower|segui|giorno|Ricordi|"
    "Novità|Gruppi|Vedi|Niente da vedere.|Nessun risultato.|min|h|g|mi piace|non mi piace|"
    "condivisioni|condiviso da|segnalato da|ti segue|ha risposto|ti ha condiviso|ti ha citato|"
    "ti ha menzionato|membri|tuo",
    "nl": "Dutch|Nederlands|Schrijf in het Nederlands.|Je bent|Interesses|volgers|volgend|dag|"
    "Je herinnert je|Nieuw|Groepen|Je ziet|Niets te zien.|Niets gevonden.|min|u|d|likes|dislikes|"
    "reposts|gedeeld door|gemeld door|volgt je|antwoordde|deelde je|citeerde je|noemde je|leden|"
    "van jou",
    "pl": "Polish|Polski|Pisz po polsku.|Jesteś|Zainteresowania|obserwujący|obserwowani|dzień|"
    "Pamiętasz|Nowe|Grupy|Widzisz|Nic do obejrzenia.|Nic nie znaleziono.|min|godz|d|polubienia|"
    "nielubienia|udostępnienia|podane dalej przez|zgłoszenia|obserwuje cię|odpowiada|"
    "podaje cię dalej|cytuje cię|wspomina o tobie|członkowie|twoja",
    "tr": "Turkish|Türkçe|Türkçe yaz.|Sen|İlgi alanları|takipçi|takip|gün|Hatırladıkların|Yeni|"
    "Gruplar|Gördüklerin|Görülecek bir şey yok.|Bir şey bulunamadı.|dk|sa|g|beğeni|beğenmeme|"
    "paylaşım|paylaşan|şikayet|seni takip etti|yanıtladı|seni paylaştı|seni alıntıladı|"
    "senden bahsetti|üye|senin",
    "ru": "Russian|Русский|Пиши по-русски.|Ты|Интересы|подписчики|подписки|день|Ты помнишь|Новое|"
    "Группы|Ты видишь|Ничего нет.|Ничего не найдено.|мин|ч|д|лайки|дизлайки|репосты|репост от|"
    "жалобы|подписался на тебя|ответил|сделал репост|процитировал тебя|упомянул тебя|участники|"
    "твоя",
    "uk": "Ukrainian|Українська|Пиши українською.|Ти|Інтереси|підписники|підписки|день|"
    "Ти пам'ятаєш|Нове|Групи|Ти бачиш|Нічого немає.|Нічого не знайдено.|хв|год|д|вподобання|"
    "невподобання|поширення|поширив|скарги|стежить за тобою|відповів|поширив тебе|процитував тебе|"
    "згадав тебе|учасники|твоя",
    "ar": "Arabic|العربية|اكتب بالعربية.|أنت|الاهتمامات|المتابعون|تتابع|اليوم|تتذكر|جديد|"
    "المجموعات|ترى|لا شيء لعرضه.|لم يُعثر على شيء.|د|س|ي|إعجاب|عدم إعجاب|إعادة نشر|أعاد نشره|"
    "بلاغات|تابعك|رد|أعاد نشرك|اقتبسك|ذكرك|أعضاء|لك",
    "hi": "Hindi|हिन्दी|हिन्दी में लिखो।|तुम हो|रुचियाँ|फ़ॉलोअर|फ़ॉलो करते हो|दिन|तुम्हें याद है|नया|समूह|"
    "तुम देखते हो|देखने को कुछ नहीं।|कुछ नहीं मिला।|मि|घं|दि|पसंद|नापसंद|रीपोस्ट|रीपोस्ट किया|शिकायतें|"
    "ने तुम्हें फ़ॉलो किया|ने जवाब दिया|ने तुम्हें रीपोस्ट किया|ने तुम्हें उद्धृत किया|ने तुम्हारा ज़िक्र किया|सदस्य|तुम्हारा",
    "zh": "Chinese|中文|请用中文写。|你是|兴趣|粉丝|关注|日|你记得|新消息|群组|你看到|"
    "没有内容。|没有找到。|分钟|小时|天|赞|踩|转发|转发者|举报|关注了你|回复|转发了你|引用了你|提到了你|成员|你的",
    "ja": "Japanese|日本語|日本語で書いてください。|あなたは|興味|フォロワー|フォロー中|日|"
    "覚えていること|新着|グループ|見えるもの|何もありません。|"
    "見つかりません。|分|時間|日|いいね|低評価|リポスト|リポスト者|通報|"
    "があなたをフォロー|が返信|があなたをリポスト|があなたを引用|があなたに言及|メンバー|参加中",
    "ko": "Korean|한국어|한국어로 쓰세요.|당신은|관심사|팔로워|팔로잉|일|기억|새 소식|그룹|"
    "보이는 것|볼 것이 없습니다.|"
    "찾지 못했습니다.|분|시간|일|좋아요|싫어요|리포스트|리포스트한 사람|신고|"
    "님이 팔로우함|님이 답글|님이 리포스트함|님이 인용함|님이 언급함|멤버|가입함",
    "id": "Indonesian|Bahasa Indonesia|Tulislah dalam bahasa Indonesia.|Kamu adalah|Minat|"
    "pengikut|mengikuti|hari|Kamu ingat|Baru|Grup|Kamu melihat|Tidak ada apa-apa.|"
    "Tidak ditemukan.|mnt|j|h|suka|tidak suka|repost|direpost oleh|dilaporkan oleh|mengikutimu|"
    "membalas|me-repost kamu|mengutipmu|menyebutmu|anggota|milikmu",
}


def _table() -> dict[str, Words]:
    names = [f.name for f in fields(Words)]
    rows = {code: row.split("|") for code, row in _LANGUAGES.items()}
    return {code: Words(**dict(zip(names, row, strict=True))) for code, row in rows.items()}


LANGUAGES = _table()
#: For agents without a known language: English words, and no instruction on what to write in.
PLAIN = replace(LANGUAGES["en"], write="")
_CODES = {
    name.casefold(): code
    for code, words in LANGUAGES.items()
    for name in (code, words.english, words.own_name)
}


def words_for(language: str | None) -> Words:
    """Return the words of a language, given as code (de, pt-BR), English name or own name.

    For an unknown language they are English and ask to write in it; for None or "" see PLAIN.
    """
    wanted = one_line(str(language or ""), 40)
    if not wanted:
        return PLAIN
    key = wanted.casefold()
    code = _CODES.get(key) or _CODES.get(key.replace("_", "-").split("-")[0])
    if code is None:
        return replace(PLAIN, write=f"Write in {wanted}.")
    return LANGUAGES[code]
