/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/stats/verdict.h"
#include "core/base/memory.h"

#include <math.h>

#define JUDGE_WORD(symbol, word, words) word,
#define OUTCOME_WORD(symbol, word) word,
static const char *const judge_words[] = {NA_JUDGES(JUDGE_WORD)};
static const char *const outcome_words[] = {NA_OUTCOMES(OUTCOME_WORD)};

const char *na_judge_word(na_judge judge)
{
  return judge_words[judge];
}

const char *na_outcome_word(na_outcome outcome)
{
  return outcome_words[outcome];
}

/* The differences a - b of the values that share a key; returns how many. */
static int pair_up(const na_sample *a, const na_sample *b, double *differences)
{
  int pairs = 0;
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      if (a->keys[i] == b->keys[j]) {
        differences[pairs++] = a->values[i] - b->values[j];
        break;
      }
  return pairs;
}

static double judged_p(const na_verdict *v)
{
  switch (v->judge) {
  case NA_JUDGE_SIGN_FLIP:
    return v->flip.p;
  case NA_JUDGE_WILCOXON:
    return v->wilcoxon.p;
  default:
    return v->t.p;
  }
}

/* Where all differences are the same, t has nothing to compare their mean with. */
static int judge_pairs(na_verdict *v, const double *d, const na_question *q, na_error *err)
{
  int n = v->pairs;
  v->used[0] = v->used[1] = n;
  v->t = na_t_one_sample(d, n, 1 - q->alpha);
  v->flip = na_sign_flip(d, n);
  v->effect = na_effect_paired(d, n, 1 - q->alpha);
  v->judge = q->judge == NA_JUDGE_T && isnan(v->t.p) ? NA_JUDGE_SIGN_FLIP : q->judge;
  int code = na_wilcoxon(d, n, &v->wilcoxon, err);
  v->p = n > 1 ? judged_p(v) : NAN;
  return code;
}

static void judge_unpaired(na_verdict *v, const na_sample *a, const na_sample *b,
                           const na_question *q)
{
  v->used[0] = a->count;
  v->used[1] = b->count;
  v->t = na_t_welch(a->values, a->count, b->values, b->count, 1 - q->alpha);
  v->effect = na_effect_unpaired(a->values, a->count, b->values, b->count);
  v->judge = NA_JUDGE_T;
  v->p = v->t.p;
}

int na_verdict_make(na_verdict *v, const na_sample *a, const na_sample *b, const na_question *q,
                    na_error *err)
{
  *v = (na_verdict){.flip.p = NAN, .wilcoxon.p = NAN, .holm = NAN};
  double *differences = na_alloc_array((size_t)a->count + 1, sizeof *differences);
  if (differences == NULL) return na_fail_memory(err, (size_t)a->count * 8, "a comparison");
  v->pairs = pair_up(a, b, differences);
  v->paired = v->pairs > 1 || (v->pairs == 1 && (a->count < 2 || b->count < 2));
  int code = NA_OK;
  if (v->paired)
    code = judge_pairs(v, differences, q, err);
  else
    judge_unpaired(v, a, b, q);
  v->left[0] = a->count - v->used[0];
  v->left[1] = b->count - v->used[1];
  na_free(differences);
  return code;
}

/* ------------------------------------------------------------------------------- families */

static na_outcome decide(const na_verdict *v, const na_question *q)
{
  double gain = q->lower_is_better ? -v->t.mean : v->t.mean;
  if (v->used[0] == 0 || v->used[1] == 0) return NA_OUTCOME_UNKNOWN;
  if (v->paired && v->pairs > 1 && !(v->t.sd > 0) && !(fabs(gain) > 0)) return NA_OUTCOME_EQUAL;
  if (!(v->holm < q->alpha)) return NA_OUTCOME_OPEN;
  return gain > 0 ? NA_OUTCOME_BETTER : NA_OUTCOME_WORSE;
}

/* Pairs of which a test by signs can give a p below alpha at all. */
static int least_pairs(double alpha)
{
  int n = 1;
  while (na_smallest_p(n) >= alpha) n++;
  return n;
}

/* Further pairs, if the true effect were the observed one without its bias. What that effect is worth
 * after two pairs, nobody knows. The power is the t test's; those by signs have little less. */
static int further(const na_verdict *v, const na_question *q)
{
  if (!v->paired || v->outcome != NA_OUTCOME_OPEN || v->share == 0) return 0;
  double alpha = q->alpha / v->share;
  int needed = na_pairs_needed(v->effect.g, alpha, q->power);
  if (needed == 0) return 0;
  if (v->judge != NA_JUDGE_T && needed < least_pairs(alpha)) needed = least_pairs(alpha);
  return needed > v->pairs ? needed - v->pairs : 1;
}

int na_verdict_family(na_verdict *verdicts, int count, const na_question *q, na_error *err)
{
  int family = 0, *shares = na_alloc_array((size_t)count + 1, sizeof *shares);
  double *p = na_alloc_array(2 * (size_t)count + 1, sizeof *p);
  if (shares != NULL && p != NULL) {
    for (int i = 0; i < count; i++) {
      p[i] = verdicts[i].p;
      family += !isnan(p[i]);
    }
    na_holm(p, count, p + count, shares);
    for (int i = 0; i < count; i++) {
      verdicts[i].holm = p[count + i];
      verdicts[i].family = family;
      verdicts[i].share = isnan(p[i]) ? 0 : shares[i];
      verdicts[i].outcome = decide(&verdicts[i], q);
      verdicts[i].needed = further(&verdicts[i], q);
    }
  }
  int code = shares == NULL || p == NULL ? na_fail_memory(err, (size_t)count * 16, "verdicts") : 0;
  na_free(shares);
  na_free(p);
  return code;
}

/* ---------------------------------------------------------------------------------- words */

void na_p_words(const char *test, double p, na_buffer *out)
{
  na_buffer_add(out, p < 1e-4 ? "%s p < 0.0001" : "%s p = %.3g", test, p);
}

/* " points", or nothing. */
static void unit_words(const na_question *q, na_buffer *out)
{
  if (q->unit[0] != '\0') na_buffer_add(out, " %s", q->unit);
}

/* sign: -1 turns a - b round. */
static void interval_words(const na_verdict *v, const na_question *q, int sign, na_buffer *out)
{
  double low = sign > 0 ? v->t.interval.low : -v->t.interval.high;
  double high = sign > 0 ? v->t.interval.high : -v->t.interval.low;
  if (v->t.sd > 0)
    na_buffer_add(out, "%g%% interval %.*f to %.*f, ", 100 * (1 - q->alpha), q->digits, low,
                  q->digits, high);
}

static void holm_words(const na_verdict *v, na_judge judge, na_buffer *out)
{
  if (v->judge != judge || v->family < 2) return;
  na_buffer_add(out, " (");
  na_p_words("Holm's", v->holm, out);
  na_buffer_add(out, " of %d)", v->family);
}

/* The tests, the one that decided with its correction. */
static void test_words(const na_verdict *v, na_buffer *out)
{
  if (!isnan(v->t.p)) {
    na_p_words(v->paired ? "paired t" : "Welch's t", v->t.p, out);
    holm_words(v, NA_JUDGE_T, out);
    na_buffer_add(out, ", ");
  }
  if (!v->paired) return;
  na_p_words("sign-flip", v->flip.p, out);
  if (!v->flip.exact) na_buffer_add(out, " from %d draws", NA_SIGN_FLIP_DRAWS);
  holm_words(v, NA_JUDGE_SIGN_FLIP, out);
  na_buffer_add(out, ", ");
  if (v->judge != NA_JUDGE_WILCOXON || isnan(v->wilcoxon.p)) return;
  na_p_words("Wilcoxon", v->wilcoxon.p, out);
  if (!v->wilcoxon.exact) na_buffer_add(out, " (normal)");
  holm_words(v, NA_JUDGE_WILCOXON, out);
  na_buffer_add(out, ", ");
}

static void count_words(const na_verdict *v, na_buffer *out)
{
  if (v->paired)
    na_buffer_add(out, "%d seed%s", v->pairs, na_text_plural(v->pairs));
  else
    na_buffer_add(out, "%d and %d seeds that are no pairs", v->used[0], v->used[1]);
}

/* "X is better than Y by 0.64 points (...)" */
static void told_apart(const na_verdict *v, const char *a, const char *b, const na_question *q,
                       na_buffer *out)
{
  int sign = v->t.mean < 0 ? -1 : 1;
  na_buffer_add(out, "%s is %s than %s by %.*f", a, outcome_words[v->outcome], b, q->digits,
                fabs(v->t.mean));
  unit_words(q, out);
  na_buffer_add(out, " (");
  interval_words(v, q, sign, out);
  test_words(v, out);
  if (!isnan(v->effect.d)) na_buffer_add(out, "d = %.2g, ", fabs(v->effect.d));
  count_words(v, out);
  na_buffer_add(out, ")");
}

static void needed_words(const na_verdict *v, na_buffer *out)
{
  if (v->needed > 0)
    na_buffer_add(out, "; if the true difference is the observed one, about %d more seed%s needed",
                  v->needed, v->needed == 1 ? " is" : "s are");
  else if (v->paired && !isnan(v->effect.g) && v->pairs > 2)
    na_buffer_add(out, "; so small a difference would need more than %d seeds", NA_PAIRS_MOST);
}

/* What n seeds cannot show, however they fall: said where alpha is out of their reach. */
static void smallest_words(const na_verdict *v, const na_question *q, na_buffer *out)
{
  double least = na_smallest_p(v->pairs);
  if (v->paired && least * (v->share > 0 ? v->share : 1) >= q->alpha)
    na_buffer_add(out, "smallest possible sign-flip p is %.3g, ", least);
}

static void not_told_apart(const na_verdict *v, const char *a, const char *b, const na_question *q,
                           na_buffer *out)
{
  na_buffer_add(out, "%s and %s cannot be told apart with ", a, b);
  count_words(v, out);
  na_buffer_add(out, " (difference %+.*f", q->digits, v->t.mean);
  unit_words(q, out);
  na_buffer_add(out, ", ");
  interval_words(v, q, 1, out);
  if (!isnan(v->p)) {
    test_words(v, out);
    smallest_words(v, q, out);
  }
  if (out->failed) return;
  out->length -= 2; /* the last comma */
  na_buffer_add(out, ")");
  if (isnan(v->p))
    na_buffer_add(out, "; one seed says nothing about chance: 5 or more do");
  else
    needed_words(v, out);
}

static void unknown_words(const na_verdict *v, const char *a, const char *b, na_buffer *out)
{
  const char *empty = v->used[0] == 0 ? a : b;
  na_buffer_add(out, "%s and %s cannot be compared: %s has no run that counts", a, b, empty);
}

void na_verdict_words(const na_verdict *v, const char *a, const char *b, const na_question *q,
                      na_buffer *out)
{
  switch (v->outcome) {
  case NA_OUTCOME_BETTER:
  case NA_OUTCOME_WORSE:
    told_apart(v, a, b, q, out);
    break;
  case NA_OUTCOME_OPEN:
    not_told_apart(v, a, b, q, out);
    break;
  case NA_OUTCOME_EQUAL:
    na_buffer_add(out, "%s and %s are equal on each of %d seeds", a, b, v->pairs);
    break;
  default:
    unknown_words(v, a, b, out);
  }
  if (v->paired && (v->left[0] > 0 || v->left[1] > 0))
    na_buffer_add(out, "; %d of %s and %d of %s have no partner and do not count", v->left[0], a,
                  v->left[1], b);
}
