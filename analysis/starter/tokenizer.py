"""A small tokenizer of the vocabulary's words, in the format that transformers loads."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from analysis.starter.phrases import FILLERS, TEMPLATES, normalize

MAX_TOKENS = 62  # two less than the positions of the text tower, as RoBERTa counts them
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")  # ids 0 to 3, as in RoBERTa
ENDINGS = ("s", "es", "'s", "ed", "d", "er", "ers", "ing", "y")  # "dogs" is "dog" and "##s"


def make_tokenizer(phrases: Iterable[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer of the words of phrases and of their regular forms.

    Parameters
    ----------
    phrases : iterable of str
        Every text of the vocabulary.

    Returns
    -------
    PreTrainedTokenizerFast
        Blind to case, accents and punctuation. A word that it does not know is one `<unk>`.
    """
    texts = (*phrases, *FILLERS, *(template.format("") for template in TEMPLATES))
    words = {word for text in texts for word in normalize(text).split()}
    words |= {word.removesuffix("e") + "ing" for word in words if word.endswith("e")}
    pieces = [*SPECIAL_TOKENS, *sorted(words), *(f"##{ending}" for ending in ENDINGS)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[^a-z0-9']+"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=MAX_TOKENS,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
