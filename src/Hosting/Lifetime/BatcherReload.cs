using FastBatch.Hosting.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Lifetime;

/// <summary>
/// Gives a batcher new options while it serves. What cannot change is the batcher's to say: a setting it refuses is logged and stays what it
/// is, and the others are taken.
/// </summary>
internal sealed class BatcherReload(BatcherSectionReader reader, IOptionsMonitor<BatcherOptions> monitor, ILogger logger)
{
    private readonly Lock _gate = new();

    /// <summary>Any thread, several at once.</summary>
    public void Apply(HostedBatcher hosted)
    {
        lock (_gate)
        {
            // Asked for here: of two changes at the same time, the older may come later.
            BatcherOptions wanted = monitor.Get(hosted.Name);
            BatcherOptions current = hosted.Batcher.Options;
            while (wanted != current)
            {
                try
                {
                    hosted.Batcher.Reconfigure(wanted);
                    Log.Reloaded(logger, hosted.Name);
                    return;
                }
                catch (ArgumentException exception) when (BatcherSetting.Find(exception.ParamName) is { } setting)
                {
                    Log.SettingRefused(logger, reader.Describe(hosted.Registration, setting.Name), exception.Message);
                    BatcherOptions without = setting.Copy(current, wanted);
                    if (without == wanted)
                    {
                        // Refused for what another setting is: there is nothing that could be left out.
                        return;
                    }

                    wanted = without;
                }
            }
        }
    }
}
