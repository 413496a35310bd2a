namespace FastBatch.LoadTests.Soak;

/// <summary>
/// The number that a request carries through the model: which service and which client sent it, and its place among that client's. No two
/// requests of a run have the same, so an answer made of it belongs to one request.
/// </summary>
internal static class Identity
{
    public const int RowLength = 8;
    public const int AnswerLength = 4;
    public const int MostClients = 1 << ClientBits;

    private const int SequenceBits = 30;
    private const int ClientBits = 12;
    private const long Poisoned = 1L << 62;

    public static long Of(int service, int client, long sequence) =>
        ((long)service << (SequenceBits + ClientBits)) | ((long)client << SequenceBits) | sequence;

    public static long Poison(long id) => id | Poisoned;

    public static bool IsPoison(long id) => (id & Poisoned) != 0;

    public static int Service(long id) => (int)((id & ~Poisoned) >> (SequenceBits + ClientBits));

    public static int Client(long id) => (int)(id >> SequenceBits) & (MostClients - 1);

    public static long Sequence(long id) => id & ((1L << SequenceBits) - 1);

    /// <summary>The value at one place of a request's row: every place is different, so a shifted or mixed row shows.</summary>
    public static long Input(long id, int place) => id + ((long)place << 55);

    /// <summary>The value at one place of the answer. Invertible, so two requests never have the same.</summary>
    public static long Answer(long id, int place) => (id ^ (0x2545F4914F6CDD1DL * (place + 1))) * -0x61C8864680B583EBL;

    public static int Salt(long id) => (int)(id * 31) ^ 0x5A5A5A5A;

    public static void WriteRow(long id, Span<long> row)
    {
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = Input(id, i);
        }
    }

    public static bool IsAnswer(long id, ReadOnlySpan<long> answer)
    {
        for (int i = 0; i < AnswerLength; i++)
        {
            if (answer[i] != Answer(id, i))
            {
                return false;
            }
        }

        return true;
    }
}
